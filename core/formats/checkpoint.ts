/**
 * A checkpoint is tensors by name, each a byte range of some file. Nothing here has been read but
 * headers.
 */
import type { Dtype } from "../bytes/dtype.ts";
import type { ByteRange, ByteSource } from "../bytes/source.ts";

export interface TensorInfo {
  readonly name: string;
  readonly dtype: Dtype;
  /**
   * The type it counts as where types are chosen for a result, when its source computes in a wider one: an adapted
   * BF16 tensor is read as F32 and written as BF16.
   */
  readonly nominal?: Dtype;
  readonly shape: readonly number[];
  /** The file that holds it. */
  readonly source: ByteSource;
  /** Absolute in that file. */
  readonly range: ByteRange;
}

export interface Checkpoint {
  readonly sources: readonly ByteSource[];
  /** In file order, then offset order. A Map, so that a tensor called `__proto__` is only a name. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata: ReadonlyMap<string, string>;
}

/** Elements in a shape; a rank-0 tensor has one. */
export function countOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}
