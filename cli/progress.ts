/** One line on standard error that is rewritten: bytes, speed, time left. Silent when it is not a terminal. */
import type { RunEvent } from "../core/run/run.ts";
import { formatBytes, formatSeconds } from "../core/units.ts";

export interface Progress {
  update(event: RunEvent): void;
  clear(): void;
}

export function createProgress(writeTotal: number, tensors: number, stream = process.stderr): Progress {
  const started = performance.now();
  let last = 0;
  if (!stream.isTTY) return { update: () => {}, clear: () => {} };
  return {
    update: ({ readBytes, writtenBytes, keptBytes, tensor, tensorsDone }) => {
      const now = performance.now();
      if (now - last < 100) return;
      last = now;
      const seconds = (now - started) / 1000;
      const here = writtenBytes - keptBytes;
      const left = here <= 0 ? "" : `, ${formatSeconds((seconds / here) * (writeTotal - writtenBytes))} left`;
      const rate = `${formatBytes(Math.round(readBytes / seconds))}/s in, ${formatBytes(Math.round(Math.max(0, here) / seconds))}/s out`;
      const line = `${formatBytes(writtenBytes)} of ${formatBytes(writeTotal)}  ${rate}${left}  ${tensorsDone}/${tensors} ${tensor}`;
      stream.write(`\r\u001b[K${line.slice(0, (stream.columns ?? 100) - 1)}`);
    },
    clear: () => {
      stream.write("\r\u001b[K");
    },
  };
}

/** The same line for whatever has no run's events: shows text, at most ten times a second. */
export function showLine(stream = process.stderr): { show(text: string): void; clear(): void } {
  let last = 0;
  if (!stream.isTTY) return { show: () => {}, clear: () => {} };
  return {
    show: (text) => {
      const now = performance.now();
      if (now - last < 100) return;
      last = now;
      stream.write(`\r\u001b[K${text.slice(0, (stream.columns ?? 100) - 1)}`);
    },
    clear: () => {
      stream.write("\r\u001b[K");
    },
  };
}
