/**
 * A Llama and its mixtures, forward, in f64 and as plainly as can be: what the checkpoint's numbers mean. Shares
 * nothing with the code under test but the reading of files.
 */
import { decode } from "../../core/bytes/convert.ts";
import { isFloat } from "../../core/bytes/dtype.ts";
import type { JsonObject, Model } from "../../core/model/model.ts";

type Vector = Float64Array<ArrayBuffer>;
type Weights = ReadonlyMap<string, { readonly shape: readonly number[]; readonly values: Float32Array }>;

export async function weightsOf(model: Model): Promise<Weights> {
  const weights = new Map<string, { shape: readonly number[]; values: Float32Array }>();
  for (const { name, dtype, shape, source, range } of model.checkpoint.tensors.values())
    if (isFloat(dtype)) weights.set(name, { shape, values: decode(dtype, await source.read(range)) });
  return weights;
}

/** Logits of every position. Dense when the layers have an `mlp.gate_proj`, else a mixture of experts. */
export async function logits(model: Model, ids: readonly number[]): Promise<number[][]> {
  const weights = await weightsOf(model);
  const config = model.config ?? {};
  const w = (name: string) => {
    const found = weights.get(name);
    if (found === undefined) throw new Error(`no ${name}`);
    return found;
  };
  const linear = (name: string, x: Vector): Vector => {
    const { shape, values } = w(`${name}.weight`);
    const [rows = 0, columns = 0] = shape;
    const bias = weights.get(`${name}.bias`)?.values;
    return Float64Array.from({ length: rows }, (_, i) => {
      let sum = bias?.[i] ?? 0;
      for (let k = 0; k < columns; k++) sum += values[i * columns + k]! * x[k]!;
      return sum;
    });
  };
  const eps = numberIn(config, "rms_norm_eps");
  const norm = (name: string, x: Vector): Vector => {
    const scale = 1 / Math.sqrt(x.reduce((sum, v) => sum + v * v, 0) / x.length + eps);
    return x.map((v, i) => v * scale * w(`${name}.weight`).values[i]!);
  };
  const feedForward = (names: readonly [string, string, string], x: Vector): Vector => {
    const [gate, up, down] = names;
    const u = linear(up, x);
    return linear(
      down,
      linear(gate, x).map((v, i) => (v / (1 + Math.exp(-v))) * u[i]!),
    );
  };

  const [, hidden = 0] = w("model.embed_tokens.weight").shape;
  const embedding = w("model.embed_tokens.weight").values;
  let states = ids.map((id) => Float64Array.from(embedding.subarray(id * hidden, (id + 1) * hidden)));
  for (let layer = 0; weights.has(`model.layers.${layer}.input_layernorm.weight`); layer++) {
    const prefix = `model.layers.${layer}`;
    const normed = states.map((x) => norm(`${prefix}.input_layernorm`, x));
    const attended = attention(
      normed,
      prefix,
      linear,
      (name, x) => (weights.has(`${name}.weight`) ? norm(name, x) : x),
      config,
    );
    states = states.map((x, t) => plus(x, attended[t]!));
    states = states.map((x) => plus(x, block(prefix, norm(`${prefix}.post_attention_layernorm`, x))));
  }
  const head = weights.has("lm_head.weight") ? "lm_head" : "model.embed_tokens";
  return states.map((x) => [...linear(head, norm("model.norm", x))]);

  function block(prefix: string, x: Vector): Vector {
    const dense = `${prefix}.mlp`;
    if (weights.has(`${dense}.gate_proj.weight`)) return feedForward(gated(dense), x);
    const mixtral = weights.has(`${prefix}.block_sparse_moe.gate.weight`);
    const home = mixtral ? `${prefix}.block_sparse_moe` : dense;
    const scores = linear(`${home}.gate`, x);
    const top = [...scores.keys()]
      .sort((a, b) => scores[b]! - scores[a]!)
      .slice(0, numberIn(config, "num_experts_per_tok"));
    const most = scores[top[0]!]!;
    const shares = top.map((e) => Math.exp(scores[e]! - most));
    const all = shares.reduce((a, b) => a + b, 0);
    let sum: Vector = new Float64Array(x.length);
    for (const [i, e] of top.entries()) {
      const at = `${home}.experts.${e}`;
      const names = mixtral ? ([`${at}.w1`, `${at}.w3`, `${at}.w2`] as const) : gated(at);
      sum = plus(
        sum,
        feedForward(names, x).map((v) => (v * shares[i]!) / all),
      );
    }
    if (!weights.has(`${dense}.shared_expert_gate.weight`)) return sum;
    const open = 1 / (1 + Math.exp(-linear(`${dense}.shared_expert_gate`, x)[0]!));
    return plus(
      sum,
      feedForward(gated(`${dense}.shared_expert`), x).map((v) => open * v),
    );
  }
}

const gated = (at: string) => [`${at}.gate_proj`, `${at}.up_proj`, `${at}.down_proj`] as const;
const plus = (a: Vector, b: Vector): Vector => a.map((v, i) => v + b[i]!);

function numberIn(config: JsonObject, key: string): number {
  const value = config[key];
  if (typeof value !== "number") throw new Error(`config.json has no number ${key}`);
  return value;
}

/** Causal attention with rotary positions and shared keys; heads are normed where the model norms them. */
function attention(
  inputs: readonly Vector[],
  prefix: string,
  linear: (name: string, x: Vector) => Vector,
  normed: (name: string, x: Vector) => Vector,
  config: JsonObject,
): Vector[] {
  const heads = numberIn(config, "num_attention_heads");
  const keyHeads = numberIn(config, "num_key_value_heads");
  const at = `${prefix}.self_attn`;
  const split = (name: "q" | "k" | "v", count: number) =>
    inputs.map((x, t) => {
      const all = linear(`${at}.${name}_proj`, x);
      const size = all.length / count;
      return Array.from({ length: count }, (_, h) => {
        const one = all.slice(h * size, (h + 1) * size);
        return name === "v" ? one : rotate(normed(`${at}.${name}_norm`, one), t, numberIn(config, "rope_theta"));
      });
    });
  const [q, k, v] = [split("q", heads), split("k", keyHeads), split("v", keyHeads)];
  return inputs.map((_, t) => {
    const out = Array.from({ length: heads }, (_, h) => {
      const query = q[t]![h]!;
      const shared = Math.floor((h * keyHeads) / heads);
      const scores = k.slice(0, t + 1).map((keys) => dot(query, keys[shared]!) / Math.sqrt(query.length));
      const most = Math.max(...scores);
      const shares = scores.map((s) => Math.exp(s - most));
      const all = shares.reduce((a, b) => a + b, 0);
      return query.map((_, i) => shares.reduce((sum, share, s) => sum + (share / all) * v[s]![shared]![i]!, 0));
    });
    return linear(`${at}.o_proj`, Float64Array.from(out.flatMap((one) => [...one])));
  });
}

const dot = (a: Vector, b: Vector) => a.reduce((sum, v, i) => sum + v * b[i]!, 0);

function rotate(x: Vector, position: number, theta: number): Vector {
  const half = x.length / 2;
  return x.map((v, i) => {
    const angle = position * theta ** (-(i % half) / half);
    const other = i < half ? -x[i + half]! : x[i - half]!;
    return v * Math.cos(angle) + other * Math.sin(angle);
  });
}
