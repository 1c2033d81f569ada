/**
 * Loaded before the command line (`node --import`): a disk that takes its time for every piece of weights, so that a merge of a small
 * model goes on long enough for something to happen to it. With HELD_AFTER it reads no more than so many pieces until there is
 * a file "go" in the working folder.
 */
import { existsSync } from "node:fs";
import { open } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const PIECE = 16 * 1024;
const MILLISECONDS = 10;
const most = Number(process.env.HELD_AFTER ?? Number.POSITIVE_INFINITY);

const handle = await open(fileURLToPath(import.meta.url), "r");
const prototype = Object.getPrototypeOf(handle);
await handle.close();

const moment = () => new Promise((resolve) => setTimeout(resolve, MILLISECONDS));
const { read, write } = prototype;
let pieces = 0;

prototype.read = async function (buffer, offset, length, position) {
  if (length >= PIECE && ++pieces > most) while (!existsSync("go")) await moment();
  return read.call(this, buffer, offset, length, position);
};

prototype.write = async function (buffer, offset, length, position) {
  if (length >= PIECE) await moment();
  return write.call(this, buffer, offset, length, position);
};
