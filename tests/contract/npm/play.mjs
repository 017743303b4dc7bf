// Plays scenarios of one script: node play.mjs SCRIPT PACKAGES NAMES PLACE, the last three in JSON. Prints one JSON object
// that tells the client's version and how each scenario went: an empty text if it went well.

import { stdout } from 'node:process';

const script = process.argv[2];
const [packages, names, place] = process.argv.slice(3).map((text) => JSON.parse(text));
const { open, scenarios } = await import(`./${script}.mjs`);
const stage = await open(packages, place);
const report = {};
for (const name of names) {
  try {
    await scenarios[name](stage);
    report[name] = '';
  } catch (error) {
    report[name] = `${error.stack}\n${JSON.stringify(error, null, 1)}`;
  }
}
stdout.write(`${JSON.stringify({ version: stage.version, report })}\n`);
