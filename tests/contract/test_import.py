"""From LiteLLM's configuration to a gateway that answers, with what the importer wrote and nothing else."""

from pathlib import Path

import pytest

from tests.contract.gateway import clean_env, run_cli, start_gateway
from tests.fakes.upstream import PROVIDER_KEY, Upstream

CONFIG = """
model_list:
  - model_name: team-chat
    litellm_params:
      model: openai/up-echo
      api_base: {url}/v1
      api_key: {secret}
      weight: 3
      input_cost_per_token: 0.000001
      output_cost_per_token: 0.000002
  - model_name: team-chat
    litellm_params: {{model: openai/up-echo, api_base: "{url}/v1/", api_key: os.environ/SECOND_KEY, weight: 1,
                     input_cost_per_token: 0.000001, output_cost_per_token: 0.000002}}
  - model_name: house
    litellm_params: {{model: hosted_vllm/up-echo, api_base: "{url}/v1", api_key: os.environ/SECOND_KEY}}
router_settings:
  num_retries: 1
  model_group_alias: {{team: team-chat}}
"""


@pytest.mark.parametrize("name", ["team-chat", "team", "house"])
def test_a_gateway_serves_with_what_was_written(tmp_path: Path, upstream: Upstream, name: str) -> None:
    secret = "sk-written-into-the-file"
    (tmp_path / "config.yaml").write_text(CONFIG.format(url=upstream.url, secret=secret))
    out = tmp_path / "tallygate.toml"
    printed = run_cli(clean_env(tmp_path), "import", "litellm", str(tmp_path / "config.yaml"), "--out", str(out))
    assert secret not in printed + out.read_text()
    assert "HOST_127_0_0_1_API_KEY" in printed
    keys = {"HOST_127_0_0_1_API_KEY": PROVIDER_KEY, "SECOND_KEY": PROVIDER_KEY}
    env = clean_env(tmp_path, TALLYGATE_OPENING_CREDIT_USD="1.00", **keys)
    with start_gateway(env, "--config", str(out)) as gateway:
        asked = {"model": name, "messages": [{"role": "user", "content": f"imported as {name}."}], "max_tokens": 20}
        reply = gateway.chat(asked)
        assert reply.status == 200, reply.body
        assert (reply.headers["x-tallygate-cost-usd"] == "0.00") == (name == "house")
    assert len(upstream.requests(f"imported as {name}.")) == 1
