// What the scripts beside this one share: what is said, the tools and shapes that are asked for, and how failing is told.
// Each script plays one client and exports `open`, which makes the client from an address and a key, and `scenarios`.
// The client is what its users install; nothing of the gateway is imported here.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { z } from 'zod';

export { assert, z };

export const SAID = 'Grüße, 世界';
export const PARAMETERS = z.object({ city: z.string(), days: z.number().int() });
export const PLAN = z.object({
  goal: z.string(),
  steps: z.array(z.object({ title: z.string(), minutes: z.number().int() })),
  done: z.boolean(),
});

/** The version of an installed package. */
export function versionOf(name) {
  return JSON.parse(readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url), 'utf8')).version;
}

/** The error that asking ends in. */
export async function failureOf(ask) {
  try {
    await ask();
  } catch (error) {
    return error;
  }
  return assert.fail('it ended well');
}

/** All of what comes one by one. */
export async function collect(stream) {
  const all = [];
  for await (const one of stream) all.push(one);
  return all;
}

/** Looks at a plan that a model made: a fake one makes the first that fits. */
export function checkPlan(plan) {
  assert.deepEqual(PLAN.parse(plan), plan);
  assert.equal(plan.steps.length, 1);
}
