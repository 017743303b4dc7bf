// The official Anthropic client.

import { PARAMETERS, PLAN, SAID, assert, checkPlan, collect, failureOf, versionOf, z } from './stage.mjs';

export async function open([name], { url, key, poorKey, models }) {
  const sdk = await import(name);
  const { zodOutputFormat } = await import(`${name}/helpers/zod`);
  const { betaZodTool } = await import(`${name}/helpers/beta/zod`);
  const connect = (apiKey) => new sdk.Anthropic({ baseURL: url, apiKey });
  const clients = { client: connect(key), poor: connect(poorKey), stranger: connect('lx-nobody') };
  const bearer = new sdk.Anthropic({ baseURL: url, apiKey: null, authToken: key });
  return { version: versionOf(name), sdk, zodOutputFormat, betaZodTool, models, bearer, ...clients };
}

const said = (text = SAID) => [{ role: 'user', content: text }];
const weather = { name: 'get_weather', description: 'The weather.', input_schema: z.toJSONSchema(PARAMETERS) };

function asks(models, more = {}) {
  return { model: models.chat, max_tokens: 1024, messages: said(), ...more };
}

function textOf(message) {
  return message.content.map((block) => (block.type === 'text' ? block.text : '')).join('');
}

export const scenarios = {
  async answer({ client, bearer, models }) {
    for (const one of [client, bearer]) {
      const message = await one.messages.create(asks(models, { system: 'Be brief.' }));
      assert.ok(textOf(message).includes(SAID));
      assert.deepEqual([message.type, message.stop_reason], ['message', 'end_turn']);
      assert.ok(message._request_id);
    }
  },

  async stream({ client, models }) {
    const events = await collect(await client.messages.create(asks(models, { stream: true })));
    assert.deepEqual([events[0].type, events.at(-1).type], ['message_start', 'message_stop']);
    const text = events.map((event) => (event.delta?.type === 'text_delta' ? event.delta.text : '')).join('');
    assert.ok(text.includes(SAID));
    assert.equal(await client.messages.stream(asks(models)).finalText(), text);
  },

  async tools({ client, models }) {
    const asked = asks(models, { tools: [weather] });
    for (const streamed of [false, true]) {
      const turn = streamed
        ? await client.messages.stream(asked).finalMessage()
        : await client.messages.create(asked);
      assert.equal(turn.stop_reason, 'tool_use');
      const call = turn.content.find((block) => block.type === 'tool_use');
      PARAMETERS.parse(call.input);
      const results = [{ type: 'tool_result', tool_use_id: call.id, content: 'rain' }];
      const messages = [...said(), { role: 'assistant', content: turn.content }, { role: 'user', content: results }];
      assert.ok(textOf(await client.messages.create({ ...asked, messages })).includes('rain'));
    }
  },

  async tools_that_run({ client, models, betaZodTool }) {
    const run = ({ city, days }) => `rain in ${city} for ${days} days`;
    const tool = betaZodTool({ name: 'get_weather', description: 'The weather.', inputSchema: PARAMETERS, run });
    const final = await client.beta.messages.toolRunner(asks(models, { tools: [tool] }));
    assert.ok(textOf(final).includes('rain in a b for 7 days'));
  },

  async structure({ client, models, zodOutputFormat }) {
    const asked = asks(models, { output_config: { format: zodOutputFormat(PLAN) } });
    checkPlan((await client.messages.parse(asked)).parsed_output);
    checkPlan((await client.messages.stream(asked).finalMessage()).parsed_output);
  },

  async thinking({ client, models }) {
    const asked = asks(models, { model: models.think, thinking: { type: 'adaptive' } });
    for (const streamed of [false, true]) {
      const turn = streamed
        ? await client.messages.stream(asked).finalMessage()
        : await client.messages.create(asked);
      assert.ok(turn.content.find((block) => block.type === 'thinking').thinking);
      const messages = [...said(), { role: 'assistant', content: turn.content }, ...said('go on')];
      assert.ok(textOf(await client.messages.create({ ...asked, messages })).includes('go on'));
    }
  },

  async usage({ client, models }) {
    const whole = await client.messages.create(asks(models));
    const streamed = await client.messages.stream(asks(models)).finalMessage();
    for (const { usage } of [whole, streamed]) assert.ok(usage.input_tokens > 0 && usage.output_tokens > 0);
    assert.equal(streamed.usage.output_tokens, whole.usage.output_tokens);
    assert.ok((await client.messages.countTokens({ model: models.chat, messages: said() })).input_tokens > 0);
  },

  async models({ client, models }) {
    const listed = await collect(client.models.list());
    assert.ok(listed.some((model) => model.id === models.chat));
    assert.equal((await client.models.retrieve(models.chat)).id, models.chat);
  },

  async error_401({ sdk, stranger, models }) {
    for (const ask of asking(stranger, models)) {
      const error = await failureOf(ask);
      assert.ok(error instanceof sdk.AuthenticationError, String(error));
      assert.deepEqual([error.status, error.type], [401, 'authentication_error']);
      assert.ok(error.requestID);
    }
  },

  // The client has no class of its own for a 402: its general one tells status and type.
  async error_402({ sdk, poor, models }) {
    for (const ask of asking(poor, models)) {
      const error = await failureOf(ask);
      assert.ok(error instanceof sdk.APIError, String(error));
      assert.deepEqual([error.status, error.type], [402, 'billing_error']);
    }
  },
};

/** The ways to ask, whole and streamed. */
function asking(client, models) {
  return [() => client.messages.create(asks(models)), () => client.messages.stream(asks(models)).finalMessage()];
}
