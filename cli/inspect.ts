/** `inspect`. */

import { modelFacts } from "../core/model/facts.ts";
import { formatBytes, formatCount } from "../core/units.ts";
import type { Invocation } from "./args.ts";
import { openModels } from "./models.ts";

export async function inspectCommand(invocation: Invocation, signal: AbortSignal): Promise<unknown> {
  const [ref = ""] = invocation.operands;
  const { models, close } = await openModels([ref], null, { ...invocation, signal });
  const model = models.get(ref);
  if (model === undefined) throw new Error("Internal error: the model did not open.");
  const facts = modelFacts(model);
  const tensors = [...model.checkpoint.tensors.values()].map(({ name, dtype, shape, source }) => {
    const { kind, layer } = model.family.place(name);
    return { name, dtype, shape, kind, layer, file: source.name };
  });
  await close();
  if (!invocation.json) {
    console.log(
      `${ref}: ${model.family.title}, ${formatCount(model.parameters)} parameters, ${formatBytes(model.bytes)}`,
    );
    if (model.origin !== undefined) console.log(`on the Hub, at commit ${model.origin.commit}`);
    for (const { prefix, layers } of model.stacks) console.log(`${prefix}: ${layers} layers`);
    console.log(
      `licence ${model.licence ?? "not stated"}, hidden size ${facts.hidden ?? "unknown"}, vocabulary ${facts.vocabulary ?? "unknown"}\n`,
    );
    for (const { name, dtype, shape, kind } of tensors)
      console.log(`${dtype.padEnd(8)} ${`[${shape.join(", ")}]`.padEnd(20)} ${kind.padEnd(10)} ${printable(name)}`);
  }
  return {
    ref,
    family: model.family.id,
    stacks: model.stacks,
    parameters: model.parameters,
    bytes: model.bytes,
    licence: model.licence,
    ...(model.origin === undefined ? {} : { origin: model.origin }),
    facts,
    tensors,
  };
}

/** Names come from files: control characters and direction marks are shown, not obeyed. */
const printable = (name: string) => name.replace(/[\p{Cc}\p{Cf}]/gu, (c) => `\\u{${c.codePointAt(0)?.toString(16)}}`);
