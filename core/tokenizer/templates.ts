/**
 * Chat templates by name, written from the formats their makers publish. Each takes `messages` of role and content,
 * `add_generation_prompt`, and where the format needs them `bos_token` and `eos_token`.
 */

/** Instructions as headed sections. https://github.com/tatsu-lab/stanford_alpaca#data-release */
const alpaca = `{%- if bos_token -%}{{ bos_token }}{%- endif -%}
{%- for message in messages -%}
  {%- if message['role'] == 'system' -%}
    {{ message['content'] | trim + '\\n\\n' }}
  {%- elif message['role'] == 'user' -%}
    {{ '### Instruction:\\n' + message['content'] | trim + '\\n\\n' }}
  {%- elif message['role'] == 'assistant' -%}
    {{ '### Response:\\n' + message['content'] | trim + eos_token + '\\n\\n' }}
  {%- else -%}
    {{ raise_exception('Roles are system, user and assistant; found ' + message['role'] + '.') }}
  {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
  {{ '### Response:\\n' }}
{%- endif -%}
`;

/** https://github.com/openai/openai-python/blob/release-v0.28.0/chatml.md */
const chatml = `{%- for message in messages -%}
  {{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
  {{ '<|im_start|>assistant\\n' }}
{%- endif -%}
`;

/** https://huggingface.co/LGAI-EXAONE/EXAONE-3.5-7.8B-Instruct */
const exaone = `{%- if messages[0]['role'] != 'system' -%}
  {{ '[|system|][|endofturn|]\\n' }}
{%- endif -%}
{%- for message in messages -%}
  {{ '[|' + message['role'] + '|]' + message['content'] }}
  {%- if message['role'] == 'user' -%}
    {{ '\\n' }}
  {%- else -%}
    {{ '[|endofturn|]\\n' }}
  {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
  {{ '[|assistant|]' }}
{%- endif -%}
`;

/** https://www.llama.com/docs/model-cards-and-prompt-formats/meta-llama-3/ */
const llama3 = `{{ bos_token }}
{%- for message in messages -%}
  {{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n' + message['content'] | trim + '<|eot_id|>' }}
{%- endfor -%}
{%- if add_generation_prompt -%}
  {{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif -%}
`;

/** A system message is said with the first question. https://docs.mistral.ai/guides/tokenization/ */
const mistral = `{%- set ahead = namespace(text='') -%}
{{ bos_token }}
{%- for message in messages -%}
  {%- if message['role'] == 'system' -%}
    {%- set ahead.text = message['content'] + '\\n\\n' -%}
  {%- elif message['role'] == 'user' -%}
    {{ '[INST] ' + ahead.text + message['content'] + ' [/INST]' }}
    {%- set ahead.text = '' -%}
  {%- elif message['role'] == 'assistant' -%}
    {{ ' ' + message['content'] | trim + eos_token }}
  {%- else -%}
    {{ raise_exception('Roles are system, user and assistant; found ' + message['role'] + '.') }}
  {%- endif -%}
{%- endfor -%}
`;

export const TEMPLATES = { alpaca, chatml, exaone, llama3, mistral } as const;
