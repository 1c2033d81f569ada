/**
 * Loaded before the command line (`node --import`), it lets a real signal arrive at a moment that cannot be hit from outside: the
 * process sends it to itself when it is about to do MOMENT, "rename config.json" or "rm .weightloom-journal", and goes on doing it
 * once the signal was heard.
 */
import { promises } from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { basename } from "node:path";

const { MOMENT = "", SIGNAL = "SIGTERM" } = process.env;
let isOver = false;

async function at(what) {
  if (isOver || what !== MOMENT) return;
  isOver = true;
  process.kill(process.pid, SIGNAL);
  await new Promise((heard) => setTimeout(heard, 50));
}

const { open, rename, rm } = promises;
Object.assign(promises, {
  rename: async (from, to) => {
    await at(`rename ${basename(to)}`);
    return rename(from, to);
  },
  rm: async (path, options) => {
    await at(`rm ${basename(path)}`);
    return rm(path, options);
  },
  open: async (path, ...rest) => {
    const file = await open(path, ...rest);
    const { write } = file;
    let bytes = 0;
    // "bytes 200000 of name": the write that comes to so many.
    const [, least, name] = /^bytes (\d+) of (.+)$/.exec(MOMENT) ?? [];
    if (name !== undefined && basename(String(path)) === `${name}.partial`)
      file.write = async (...args) => {
        const done = await Reflect.apply(write, file, args);
        bytes += done.bytesWritten;
        if (bytes >= Number(least)) await at(MOMENT);
        return done;
      };
    return file;
  },
});
syncBuiltinESMExports();
