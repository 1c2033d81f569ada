/**
 * Buffers that are used again: fresh memory costs more than the read that fills it. Where the engine's lanes can
 * share memory with this thread, these are shared buffers, so that a tile goes to a lane and back without being
 * transferred; every transfer counts as an allocation with the garbage collector, which then runs all the time.
 */
export interface Spares {
  /** Memory of at least `bytes`, or undefined where a reader's own is as good. */
  take(bytes: number): ArrayBuffer | undefined;
  /** Memory nobody looks at any more. */
  give(bytes: Uint8Array<ArrayBuffer>): void;
}

/** Smaller ones are not worth keeping. */
const LEAST = 64 * 1024;

/**
 * @param most bytes held at once; they come on top of the run's budget
 * @param shared lanes read and write this memory directly
 */
export function createSpares(most: number, shared: boolean): Spares {
  const buffers: ArrayBuffer[] = [];
  let held = 0;
  return {
    take: (bytes) => {
      if (bytes < LEAST) return undefined;
      const at = buffers.findIndex(({ byteLength }) => byteLength >= bytes && byteLength <= 2 * bytes);
      const [taken] = at < 0 ? [] : buffers.splice(at, 1);
      held -= taken?.byteLength ?? 0;
      return taken ?? (shared ? sharedBuffer(rounded(bytes)) : undefined);
    },
    give: ({ buffer }) => {
      if (buffer.byteLength < LEAST || buffer.byteLength > most) return;
      // What has lain here longest is of a size that is not asked for any more.
      while (held + buffer.byteLength > most) held -= buffers.shift()?.byteLength ?? 0;
      held += buffer.byteLength;
      buffers.push(buffer);
    },
  };
}

/** In steps of an eighth of a power of two, so that a slightly different tile can use it next. */
function rounded(bytes: number): number {
  const step = 2 ** (Math.ceil(Math.log2(bytes)) - 3);
  return Math.ceil(bytes / step) * step;
}

/** Only engines and files see it, and they treat both kinds alike; the types of everything else stay simple. */
const sharedBuffer = (bytes: number) => new SharedArrayBuffer(bytes) as unknown as ArrayBuffer;
