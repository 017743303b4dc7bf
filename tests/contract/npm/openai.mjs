// The official OpenAI client: chat completions, and responses, the wire it now prefers.

import { PARAMETERS, PLAN, SAID, assert, checkPlan, collect, failureOf, versionOf, z } from './stage.mjs';

export async function open([name], { url, key, poorKey, models }) {
  const sdk = await import(name);
  const { zodResponseFormat, zodTextFormat } = await import(`${name}/helpers/zod`);
  const connect = (apiKey) => new sdk.OpenAI({ baseURL: `${url}/v1`, apiKey });
  const clients = { client: connect(key), poor: connect(poorKey), stranger: connect('lx-nobody') };
  return { version: versionOf(name), sdk, zodResponseFormat, zodTextFormat, models, ...clients };
}

const said = (text = SAID) => [{ role: 'user', content: text }];
const schema = z.toJSONSchema(PARAMETERS);
const weather = { type: 'function', function: { name: 'get_weather', parameters: schema, strict: true } };
const flat = { type: 'function', name: 'get_weather', parameters: schema, strict: true };

function checkUsage(usage, input, output) {
  assert.ok(usage[input] > 0 && usage[output] > 0);
  assert.equal(usage.total_tokens, usage[input] + usage[output]);
}

export const scenarios = {
  async answer({ client, models }) {
    const { data, response } = await client.chat.completions
      .create({ model: models.chat, messages: said() })
      .withResponse();
    assert.ok(data.choices[0].message.content.includes(SAID));
    assert.equal(data.choices[0].finish_reason, 'stop');
    assert.ok(data._request_id);
    assert.ok(Number(response.headers.get('x-tallygate-cost-usd')) > 0);
  },

  async answer_by_responses({ client, models }) {
    const response = await client.responses.create({ model: models.chat, input: said(), instructions: 'Be brief.' });
    assert.ok(response.output_text.includes(SAID));
    assert.equal(response.status, 'completed');
    assert.equal(response.instructions, 'Be brief.');
  },

  async stream({ client, models }) {
    const asked = { model: models.chat, messages: said(), stream_options: { include_usage: true } };
    const chunks = await collect(await client.chat.completions.create({ ...asked, stream: true }));
    const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');
    assert.ok(text.includes(SAID));
    const final = await client.chat.completions.stream(asked).finalChatCompletion();
    assert.equal(final.choices[0].message.content, text);
  },

  async stream_by_responses({ client, models }) {
    const events = await collect(await client.responses.create({ model: models.chat, input: said(), stream: true }));
    const text = events.map((event) => (event.type === 'response.output_text.delta' ? event.delta : '')).join('');
    assert.ok(text.includes(SAID));
    assert.equal(events.at(-1).type, 'response.completed');
    const final = await client.responses.stream({ model: models.chat, input: said() }).finalResponse();
    assert.equal(final.output_text, text);
  },

  async tools({ client, models }) {
    const asked = { model: models.chat, messages: said(), tools: [weather] };
    for (const streamed of [false, true]) {
      const { choices } = streamed
        ? await client.chat.completions.stream(asked).finalChatCompletion()
        : await client.chat.completions.create(asked);
      const { message } = choices[0];
      assert.equal(choices[0].finish_reason, 'tool_calls');
      PARAMETERS.parse(JSON.parse(message.tool_calls[0].function.arguments));
      const result = { role: 'tool', tool_call_id: message.tool_calls[0].id, content: 'rain' };
      const final = await client.chat.completions.create({ ...asked, messages: [...asked.messages, message, result] });
      assert.ok(final.choices[0].message.content.includes('rain'));
    }
  },

  async tools_that_run({ client, models }) {
    const run = ({ city, days }) => `rain in ${city} for ${days} days`;
    const tool = { ...weather, function: { ...weather.function, function: run, parse: JSON.parse } };
    for (const stream of [false, true]) {
      const runner = client.chat.completions.runTools({ model: models.chat, messages: said(), tools: [tool], stream });
      assert.ok((await runner.finalContent()).includes('rain in a b for 7 days'));
    }
  },

  async tools_by_responses({ client, models }) {
    const asked = { model: models.chat, input: said(), tools: [flat] };
    for (const streamed of [false, true]) {
      const turn = streamed
        ? await client.responses.stream(asked).finalResponse()
        : await client.responses.create(asked);
      const call = turn.output.find((item) => item.type === 'function_call');
      PARAMETERS.parse(JSON.parse(call.arguments));
      const result = { type: 'function_call_output', call_id: call.call_id, output: 'rain' };
      const final = await client.responses.create({ ...asked, input: [...asked.input, ...turn.output, result] });
      assert.ok(final.output_text.includes('rain'));
    }
  },

  async structure({ client, models, zodResponseFormat }) {
    const asked = { model: models.chat, messages: said(), response_format: zodResponseFormat(PLAN, 'plan') };
    const whole = await client.chat.completions.parse(asked);
    checkPlan(whole.choices[0].message.parsed);
    const streamed = await client.chat.completions.stream(asked).finalChatCompletion();
    assert.deepEqual(streamed.choices[0].message.parsed, whole.choices[0].message.parsed);
  },

  async structure_by_responses({ client, models, zodTextFormat }) {
    const asked = { model: models.chat, input: said(), text: { format: zodTextFormat(PLAN, 'plan') } };
    checkPlan((await client.responses.parse(asked)).output_parsed);
    checkPlan((await client.responses.stream(asked).finalResponse()).output_parsed);
  },

  async thinking_by_responses({ client, models }) {
    const asked = { model: models.think, input: said(), reasoning: { effort: 'low', summary: 'auto' } };
    const whole = await client.responses.create(asked);
    const thought = whole.output.find((item) => item.type === 'reasoning');
    assert.ok(thought.summary[0].text);
    const events = await collect(await client.responses.create({ ...asked, stream: true }));
    const deltas = events.filter((event) => event.type === 'response.reasoning_summary_text.delta');
    assert.equal(deltas.map((event) => event.delta).join(''), thought.summary[0].text);
    const next = await client.responses.create({ ...asked, input: [...said(), ...whole.output, ...said('go on')] });
    assert.ok(next.output_text.includes('go on'));
  },

  async usage({ client, models }) {
    const asked = { model: models.chat, messages: said() };
    checkUsage((await client.chat.completions.create(asked)).usage, 'prompt_tokens', 'completion_tokens');
    const stream = { ...asked, stream: true, stream_options: { include_usage: true } };
    const chunks = await collect(await client.chat.completions.create(stream));
    checkUsage(chunks.at(-1).usage, 'prompt_tokens', 'completion_tokens');
    const byResponses = { model: models.chat, input: said() };
    checkUsage((await client.responses.create(byResponses)).usage, 'input_tokens', 'output_tokens');
    const final = await client.responses.stream(byResponses).finalResponse();
    checkUsage(final.usage, 'input_tokens', 'output_tokens');
  },

  // The client asks for base64 and makes numbers of it.
  async embeddings({ client, models }) {
    const asked = { model: models.embed, input: ['one', 'two words'] };
    const { data, usage } = await client.embeddings.create(asked);
    const numbers = await client.embeddings.create({ ...asked, encoding_format: 'float', dimensions: 8 });
    assert.deepEqual(data.map((one) => one.embedding), numbers.data.map((one) => one.embedding));
    assert.deepEqual([data.length, data[1].embedding.length, usage.total_tokens], [2, 8, 3]);
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
      assert.deepEqual([error.status, error.code], [401, 'invalid_api_key']);
      assert.ok(error.requestID);
    }
  },

  // The client has no class of its own for a 402: its general one tells status and code.
  async error_402({ sdk, poor, models }) {
    for (const ask of asking(poor, models)) {
      const error = await failureOf(ask);
      assert.ok(error instanceof sdk.APIError, String(error));
      assert.deepEqual([error.status, error.code], [402, 'insufficient_balance']);
    }
  },
};

/** The ways to ask, whole and streamed. */
function asking(client, models) {
  const chat = { model: models.chat, messages: said() };
  const responses = { model: models.chat, input: said() };
  return [
    () => client.chat.completions.create(chat),
    () => client.chat.completions.stream(chat).finalChatCompletion(),
    () => client.responses.create(responses),
    () => client.responses.stream(responses).finalResponse(),
  ];
}
