export interface Shape {
  readonly hidden: number;
  readonly layers: number;
  readonly inner: number;
  readonly vocab: number;
  readonly kv: number;
}
export function makeSparse(folder: string, size: string | Shape, shards?: number): number;
export function makeFamily(folder: string, size: string | Shape, count: number, seed?: number): number;
