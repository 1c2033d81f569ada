/**
 * When the journal is told of finished tensors: not after each, because each time the disk has to confirm
 * what was written (where writing waits for that, at most a few times a second), and never of a tensor whose numbers are not noted yet.
 */
import type { ByteSink } from "../bytes/sink.ts";
import type { Fact } from "./facts.ts";
import type { Journal } from "./journal.ts";

export interface Marks {
  /** Whether the next finished tensor is worth a mark. Throws what went wrong with the last one. */
  due(sink: ByteSink): boolean;
  /** All bytes of the first `tensors` tensors were given to the sink. The disk is not waited for. */
  tensors(tensors: number, sink: ByteSink): void;
  /** All bytes of a file were given to its sink; resolves when the journal has them. */
  last(tensors: number, sink: ByteSink): Promise<void>;
  /** The first `files` files are closed. */
  files(files: number): Promise<void>;
}

/** Milliseconds between two marks; and so many times as long as the disk took where a sink does nothing else meanwhile. */
const APART = 250;
const SPARING = 4;
/** Milliseconds between the end of a sync and the next where writing goes on meanwhile: a slow disk is then hardly ever idle. */
const BESIDE = 60;

/** @param facts of the first `tensors` tensors, those that were not told yet */
export function createMarks(journal: Journal, facts: (tensors: number) => Promise<readonly Fact[]>): Marks {
  let since = performance.now();
  let took = 0;
  let under: Promise<void> | null = null;
  let trouble: unknown;

  async function mark(tensors: number, sink: ByteSink): Promise<void> {
    const began = performance.now();
    await sink.sync?.();
    await journal.write({ tensors, facts: await facts(tensors) });
    since = performance.now();
    took = since - began;
    under = null;
  }

  return {
    due: ({ syncsAside = false }) => {
      if (trouble !== undefined) throw trouble;
      return under === null && performance.now() - since >= (syncsAside ? BESIDE : Math.max(APART, SPARING * took));
    },
    tensors: (tensors, sink) => {
      under = mark(tensors, sink);
      under.catch((error: unknown) => {
        trouble = error;
      });
    },
    last: async (tensors, sink) => {
      await under;
      await mark(tensors, sink);
    },
    files: (files) => journal.write({ files }),
  };
}
