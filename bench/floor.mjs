/**
 * The least a merge can cost: reads every byte of the inputs once and writes as many as the first has, a megabyte at a
 * time, as `cp` does, and waits until they are on the disk, as a merge does. Run as a process of its own: node floor.mjs OUT INPUT...
 */
import { closeSync, fdatasyncSync, openSync, readSync, writeSync } from "node:fs";

const [out, ...inputs] = process.argv.slice(2);
const buffer = Buffer.allocUnsafe(2 ** 20);
const to = openSync(out, "w");
const files = inputs.map((path) => openSync(path, "r"));
for (let more = true; more; ) {
  more = false;
  for (const [i, file] of files.entries()) {
    const length = readSync(file, buffer, 0, buffer.length, null);
    if (length > 0) more = true;
    if (i === 0 && length > 0) writeSync(to, buffer, 0, length);
  }
}
fdatasyncSync(to);
for (const file of [to, ...files]) closeSync(file);
