/** Numbers as JSON can hold them, exactly: what it has no word for is spelled out. */
export type Spelled = number | "NaN" | "Infinity" | "-Infinity" | "-0";

export const spell = (value: number): Spelled =>
  Object.is(value, -0) ? "-0" : Number.isFinite(value) ? value : (String(value) as Spelled);

export const unspell = (value: number | string): number => Number(value);
