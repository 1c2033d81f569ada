/** `methods`: the merge methods and their parameters, for people, for programs, or as the reference page. */
import type { AnyMethod, Param } from "../core/method.ts";
import { METHODS } from "../methods/index.ts";
import type { Invocation } from "./args.ts";
import { methodsPage } from "./reference.ts";

export function methodsCommand(invocation: Invocation): unknown {
  const list = [...METHODS.values()];
  if (invocation.markdown) console.log(methodsPage(list).trimEnd());
  else if (!invocation.json) for (const method of list) console.log(`${described(method)}\n`);
  return {
    methods: list.map(({ id, title, summary, use, reference, formula, differs, base, models, params }) => ({
      id,
      title,
      summary,
      use,
      reference,
      formula,
      differs,
      base,
      models,
      params,
    })),
  };
}

const BASE = { required: "needed", optional: "optional", none: "not used" } as const;

function described(method: AnyMethod): string {
  return [
    `${method.id}  (${method.title})`,
    `  ${method.summary}`,
    `  ${method.use}`,
    `  ${method.reference}; base model ${BASE[method.base]}`,
    ...Object.entries<Param>(method.params).map(([name, param]) => {
      const standard = param.default === null ? "must be given" : `default ${param.default}`;
      return `    ${name.padEnd(18)} ${param.per === "model" ? "per model" : "global   "}  ${standard.padEnd(14)} ${param.help}`;
    }),
  ].join("\n");
}
