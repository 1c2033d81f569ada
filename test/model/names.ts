/** Tensor names written as a person would: `model.layers.{0..3}.mlp.{up,down}_proj.weight` is eight names. */
export function expand(patterns: readonly string[]): string[] {
  return patterns.flatMap(expandOne);
}

function expandOne(pattern: string): string[] {
  const found = /^(.*?)\{([^}]*)\}(.*)$/s.exec(pattern);
  if (found === null) return [pattern];
  const [, before = "", inside = "", after = ""] = found;
  const range = /^(\d+)\.\.(\d+)$/.exec(inside);
  const choices =
    range === null
      ? inside.split(",")
      : Array.from({ length: Number(range[2]) - Number(range[1]) + 1 }, (_, i) => String(Number(range[1]) + i));
  return choices.flatMap((choice) => expandOne(`${before}${choice}${after}`));
}
