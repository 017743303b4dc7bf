// OpenRouter's client, at the addresses under /api/v1. It checks every member of an answer against what it expects.

import { PARAMETERS, PLAN, SAID, assert, checkPlan, collect, failureOf, versionOf, z } from './stage.mjs';

export async function open([name], { url, key, poorKey, models }) {
  const sdk = await import(name);
  const errors = await import(`${name}/models/errors`);
  const connect = (apiKey) => new sdk.OpenRouter({ serverURL: `${url}/api/v1`, apiKey });
  const clients = { client: connect(key), poor: connect(poorKey), stranger: connect('lx-nobody') };
  return { version: versionOf(name), errors, models, ...clients };
}

const said = (text = SAID) => [{ role: 'user', content: text }];
const schema = z.toJSONSchema(PARAMETERS);
const weather = { type: 'function', function: { name: 'get_weather', description: 'The weather.', parameters: schema } };

function chat(client, model, more = {}) {
  return client.chat.send({ chatRequest: { model, messages: said(), ...more } });
}

async function told(stream) {
  const chunks = await collect(stream);
  return { text: chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join(''), chunks };
}

export const scenarios = {
  async answer({ client, models }) {
    const { choices, model } = await chat(client, models.chat);
    assert.ok(choices[0].message.content.includes(SAID));
    assert.equal(choices[0].finishReason, 'stop');
    assert.ok(model);
  },

  async answer_by_a_choice_of_models({ client, models }) {
    const more = { models: ['nobody/has-this', models.chat], provider: { allowFallbacks: true } };
    const { choices } = await chat(client, undefined, more);
    assert.ok(choices[0].message.content.includes(SAID));
  },

  async stream({ client, models }) {
    const { text } = await told(await chat(client, models.chat, { stream: true }));
    assert.ok(text.includes(SAID));
  },

  async tools({ client, models }) {
    const { choices } = await chat(client, models.chat, { tools: [weather] });
    assert.equal(choices[0].finishReason, 'tool_calls');
    const { message } = choices[0];
    PARAMETERS.parse(JSON.parse(message.toolCalls[0].function.arguments));
    const result = { role: 'tool', toolCallId: message.toolCalls[0].id, content: 'rain' };
    const messages = [...said(), message, result];
    const final = await chat(client, models.chat, { tools: [weather], messages });
    assert.ok(final.choices[0].message.content.includes('rain'));
    const { chunks } = await told(await chat(client, models.chat, { tools: [weather], stream: true }));
    const parts = chunks.flatMap((chunk) => chunk.choices[0]?.delta.toolCalls ?? []);
    PARAMETERS.parse(JSON.parse(parts.map((part) => part.function?.arguments ?? '').join('')));
  },

  async structure({ client, models }) {
    const jsonSchema = { name: 'plan', strict: true, schema: z.toJSONSchema(PLAN) };
    const { choices } = await chat(client, models.chat, { responseFormat: { type: 'json_schema', jsonSchema } });
    checkPlan(JSON.parse(choices[0].message.content));
  },

  async thinking({ client, models }) {
    const { choices } = await chat(client, models.think, { reasoning: { effort: 'low' } });
    assert.ok(choices[0].message.reasoning);
    const { chunks } = await told(await chat(client, models.think, { stream: true }));
    assert.ok(chunks.some((chunk) => chunk.choices[0]?.delta.reasoning));
  },

  async usage({ client, models }) {
    const { usage } = await chat(client, models.chat);
    assert.ok(usage.promptTokens > 0 && usage.completionTokens > 0 && usage.cost > 0);
    const { chunks } = await told(await chat(client, models.chat, { stream: true }));
    const last = chunks.at(-1).usage;
    assert.equal(last.totalTokens, last.promptTokens + last.completionTokens);
    assert.ok(last.cost > 0);
    const { data } = await client.credits.getCredits();
    assert.ok(data.totalUsage > 0 && data.totalUsage < data.totalCredits);
  },

  async embeddings({ client, models }) {
    const requestBody = { model: models.embed, input: ['one', 'two words'] };
    const { data, usage } = await client.embeddings.generate({ requestBody });
    assert.deepEqual([data.length, data[1].embedding.length, usage.totalTokens], [2, 8, 3]);
  },

  async models({ client, models }) {
    const ids = [];
    for await (const page of await client.models.list()) ids.push(...page.result.data.map((model) => model.id));
    assert.ok(ids.includes(models.chat));
  },

  async error_401({ errors, stranger, models }) {
    for (const stream of [false, true]) {
      const error = await failureOf(() => chat(stranger, models.chat, { stream }));
      assert.ok(error instanceof errors.UnauthorizedResponseError, String(error));
      assert.deepEqual([error.statusCode, error.error.code], [401, 401]);
    }
  },

  async error_402({ errors, poor, models }) {
    for (const stream of [false, true]) {
      const error = await failureOf(() => chat(poor, models.chat, { stream }));
      assert.ok(error instanceof errors.PaymentRequiredResponseError, String(error));
      assert.deepEqual([error.statusCode, error.error.code], [402, 402]);
    }
  },
};
