/**
 * The table of element types a safetensors file may hold, and what may be done with each: floats
 * are blended, integers and the exotic sub-byte types are only ever copied.
 */
export const DTYPES = {
  F64: { bits: 64, kind: "float" },
  F32: { bits: 32, kind: "float" },
  F16: { bits: 16, kind: "float" },
  BF16: { bits: 16, kind: "float" },
  F8_E4M3: { bits: 8, kind: "float" },
  F8_E5M2: { bits: 8, kind: "float" },
  I64: { bits: 64, kind: "integer" },
  I32: { bits: 32, kind: "integer" },
  I16: { bits: 16, kind: "integer" },
  I8: { bits: 8, kind: "integer" },
  U64: { bits: 64, kind: "integer" },
  U32: { bits: 32, kind: "integer" },
  U16: { bits: 16, kind: "integer" },
  U8: { bits: 8, kind: "integer" },
  BOOL: { bits: 8, kind: "integer" },
  C64: { bits: 64, kind: "opaque" },
  F8_E8M0: { bits: 8, kind: "opaque" },
  F8_E4M3FNUZ: { bits: 8, kind: "opaque" },
  F8_E5M2FNUZ: { bits: 8, kind: "opaque" },
  F6_E2M3: { bits: 6, kind: "opaque" },
  F6_E3M2: { bits: 6, kind: "opaque" },
  F4: { bits: 4, kind: "opaque" },
} as const satisfies Record<string, { bits: number; kind: "float" | "integer" | "opaque" }>;

export type Dtype = keyof typeof DTYPES;

/** Types a kernel can decode to f32. */
export type FloatDtype = "F64" | "F32" | "F16" | "BF16" | "F8_E4M3" | "F8_E5M2";

/** Types a kernel can write. Everything is computed in f32, so nothing wider is offered. */
export type OutputDtype = "F32" | "F16" | "BF16";

export function isDtype(name: string): name is Dtype {
  return Object.hasOwn(DTYPES, name);
}

export function isFloat(dtype: Dtype): dtype is FloatDtype {
  return DTYPES[dtype].kind === "float";
}

export function isOutput(dtype: Dtype): dtype is OutputDtype {
  return dtype === "F32" || dtype === "F16" || dtype === "BF16";
}

/** Bytes per element of a float type (all of them are whole bytes). */
export function bytesPer(dtype: FloatDtype): number {
  return DTYPES[dtype].bits / 8;
}

/** The name PyTorch and recipes use, e.g. BF16 -> bfloat16. */
export const TORCH_NAMES: Readonly<Record<OutputDtype, string>> = {
  F32: "float32",
  F16: "float16",
  BF16: "bfloat16",
};
