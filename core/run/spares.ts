/**
 * Buffers that are used again: fresh memory costs more than the read that fills it. Where the engine's lanes can
 * share memory with this thread, these are shared buffers, so that a tile goes to a lane and back without being
 * transferred; every transfer counts as an allocation with the garbage collector, which then runs all the time.
 *
 * Shared memory is the opposite: the collector does not count it, so what is let go of stays around for long. Shared
 * buffers are therefore never let go of while a run lasts, and there is an upper bound to all of them together.
 */
export interface Spares {
  /** Memory of at least `bytes`, or undefined where a reader's own is as good. */
  take(bytes: number): ArrayBuffer | undefined;
  /** Memory nobody looks at any more. */
  give(bytes: Uint8Array<ArrayBuffer>): void;
}

/** Smaller ones are not worth keeping. */
const LEAST = 64 * 1024;
/** Unshared buffers kept, bytes; they come on top of the run's budget. */
const KEPT = 48e6;

/**
 * @param budget bytes that may be in flight
 * @param shared lanes read and write this memory directly
 */
export function createSpares(budget: number, shared: boolean): Spares {
  return shared ? sharedSpares(1.25 * budget) : unsharedSpares();
}

/** @param most bytes of all buffers together, in use or not */
function sharedSpares(most: number): Spares {
  const idle: ArrayBuffer[] = [];
  const own = new Set<ArrayBufferLike>();
  let made = 0;

  /** The smallest that is large enough; -1 when none is. */
  function fitting(bytes: number): number {
    let best = -1;
    for (const [at, { byteLength }] of idle.entries())
      if (byteLength >= bytes && (best < 0 || byteLength < idle[best]!.byteLength)) best = at;
    return best;
  }

  return {
    take: (bytes) => {
      if (bytes < LEAST) return undefined;
      const best = fitting(bytes);
      const size = rounded(bytes);
      const close = best >= 0 && idle[best]!.byteLength <= 2 * size;
      if (!close && made + size <= most) {
        const buffer = sharedBuffer(size);
        own.add(buffer);
        made += size;
        return buffer;
      }
      return best < 0 ? undefined : idle.splice(best, 1)[0];
    },
    give: ({ buffer }) => {
      if (own.has(buffer)) idle.push(buffer);
    },
  };
}

function unsharedSpares(): Spares {
  const buffers: ArrayBuffer[] = [];
  let held = 0;
  return {
    take: (bytes) => {
      if (bytes < LEAST) return undefined;
      const at = buffers.findIndex(({ byteLength }) => byteLength >= bytes && byteLength <= 2 * bytes);
      const [taken] = at < 0 ? [] : buffers.splice(at, 1);
      held -= taken?.byteLength ?? 0;
      return taken;
    },
    give: ({ buffer }) => {
      if (buffer.byteLength < LEAST || buffer.byteLength > KEPT) return;
      // What has lain here longest is of a size that is not asked for any more.
      while (held + buffer.byteLength > KEPT) held -= buffers.shift()?.byteLength ?? 0;
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
