/**
 * Loaded before the command line (`node --import`) by `huge.mjs`: what is written to a file and is all zero stays a hole, so
 * that a result far larger than the disk has a place there. Every other byte is written as it comes.
 */
import { open } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const PIECE = 64 * 1024;
const zeros = Buffer.alloc(16 * 2 ** 20);

const handle = await open(fileURLToPath(import.meta.url), "r");
const prototype = Object.getPrototypeOf(handle);
await handle.close();

const { write } = prototype;
/** Where each file ends. */
const ends = new WeakMap();

const isZero = (bytes) => bytes.length <= zeros.length && zeros.compare(bytes, 0, bytes.length, 0, bytes.length) === 0;

prototype.write = async function (buffer, offset, length, position) {
  const start = position ?? ends.get(this) ?? 0;
  const bytes = Buffer.from(buffer.buffer, buffer.byteOffset + offset, length);
  const end = Math.max(ends.get(this) ?? 0, start + length);
  ends.set(this, end);
  for (let at = 0; at < length && !isZero(bytes); at += PIECE) {
    const part = bytes.subarray(at, Math.min(at + PIECE, length));
    for (let done = 0; done < part.length && !isZero(part); ) {
      done += (await write.call(this, part, done, part.length - done, start + at + done)).bytesWritten;
    }
  }
  // A hole at the end is part of the file too.
  if (end === start + length && isZero(bytes.subarray(Math.floor((length - 1) / PIECE) * PIECE)))
    await this.truncate(end);
  return { bytesWritten: length, buffer };
};
