/** What the model cards say: where the models come from, and under which terms the result stands. */
import { joinLicences } from "../model/licence.ts";
import { type Finding, listed } from "./finding.ts";
import type { Patient } from "./patient.ts";

export function paperFindings(all: readonly Patient[]): Finding[] {
  return [...origin(all), licence(all)];
}

const last = (path: string) => path.split("/").at(-1)?.toLowerCase() ?? path;

/** Cards that name different bases; the base itself names none, or the one it was made from. */
function origin(all: readonly Patient[]): Finding[] {
  const said = all.flatMap(({ ref, model }) => (model.basedOn == null ? [] : [{ ref, base: model.basedOn }]));
  const bases = new Set(said.map(({ base }) => last(base)));
  // A parent among the models is no second origin.
  const inside = new Set(all.map(({ ref }) => last(ref)));
  const apart = [...bases].filter((base) => !inside.has(base));
  if (said.length < 2 || apart.length + (apart.length < bases.size ? 1 : 0) < 2) return [];
  const named = said.map(({ ref, base }) => `${ref} from ${base}`);
  const text = `The cards name different bases: ${listed(named, 5)}. Fine-tunes of different bases rarely merge well; see whether they share an ancestor below.`;
  return [{ topic: "origin", weight: "warn", text }];
}

function licence(all: readonly Patient[]): Finding {
  const unknown = all.filter(({ model }) => model.licence === null || /^(other|unknown)$/i.test(model.licence));
  const known = all.flatMap(({ model }) => (unknown.some((one) => one.model === model) ? [] : [model.licence ?? ""]));
  const names = [...new Set(known.map((name) => name.toLowerCase()))];
  const joint = joinLicences(known);
  if (unknown.length > 0) {
    const who = listed(unknown.map(({ ref }) => ref));
    const rest = names.length === 0 ? "" : ` The others: ${joint ?? listed(names, 5)}.`;
    const text = `Licence not known: ${who}. Nobody can say under which terms the result stands until it is.${rest}`;
    return { topic: "licence", weight: "warn", text };
  }
  if (names.length === 1)
    return { topic: "licence", weight: "fine", text: `Licence of the result: ${names[0]}, as of all.` };
  if (joint === null) {
    const text = `Licences ${listed(names, 5)} are not known to go together. The result must keep to all of them; read their terms before you share it.`;
    return { topic: "licence", weight: "warn", text };
  }
  return {
    topic: "licence",
    weight: "fine",
    text: `Licence of the result: ${joint}, the strictest of ${listed(names, 5)}.`,
  };
}
