/** The recipes that are measured: every method on a base and two fine-tunes of it, named base, a and b. */

/** Models of a recipe, each with these parameters. */
const models = (names, parameters = "") =>
  `models:\n${names.map((name) => `  - model: ${name}\n${parameters === "" ? "" : `    parameters: {${parameters}}\n`}`).join("")}`;
const based = (method, parameters = "", rest = "") =>
  `merge_method: ${method}\nbase_model: base\n${models(["a", "b"], parameters)}${rest}`;
/** Of two models, one is the base. */
const onto = (method, rest = "") => `merge_method: ${method}\nbase_model: a\n${models(["b"])}${rest}`;
const thinned = "weight: 0.5, density: 0.5";

/** Every method on one pair of fine-tunes, with their base where the method has one. */
export const RECIPES = {
  linear: `merge_method: linear\n${models(["a", "b"], "weight: 0.5")}`,
  slerp: onto("slerp", "parameters: {t: 0.5}\n"),
  nuslerp: `merge_method: nuslerp\n${models(["a", "b"], "weight: 0.5")}`,
  multislerp: `merge_method: multislerp\n${models(["a", "b"], "weight: 0.5")}`,
  karcher: `merge_method: karcher\n${models(["a", "b"])}`,
  model_stock: based("model_stock"),
  task_arithmetic: based("task_arithmetic", "weight: 0.5"),
  ties: based("ties", thinned),
  dare_linear: based("dare_linear", thinned),
  dare_ties: based("dare_ties", thinned),
  della: based("della", thinned),
  della_linear: based("della_linear", thinned),
  breadcrumbs: based("breadcrumbs", thinned),
  breadcrumbs_ties: based("breadcrumbs_ties", thinned),
  sce: based("sce", "", "parameters: {select_topk: 0.5}\n"),
  consensus_ta: based("consensus_ta"),
  emr: based("emr"),
  magmax: based("magmax"),
  median: based("median"),
  pcb: based("pcb"),
  neuromerging: based("neuromerging"),
  ram: based("ram"),
  ramplus_tl: based("ramplus_tl"),
  arcee_fusion: onto("arcee_fusion"),
  nearswap: onto("nearswap", "parameters: {t: 0.001}\n"),
  passthrough: `merge_method: passthrough\n${models(["a"])}`,
};

/** Names of the models a recipe reads. */
export const modelsOf = (text) => [
  ...new Set([...text.matchAll(/(?:model|base_model): (\w+)/g)].map(([, name]) => name)),
];
