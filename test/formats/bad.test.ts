/**
 * The directory is the test list: everything in test/files/bad must be refused with the sentence beside it, as a
 * FormatError, whole and exact.
 */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, test } from "vitest";
import { type ByteSource, fromBytes } from "../../core/bytes/source.ts";
import { openSafetensors } from "../../core/formats/safetensors.ts";
import { openCheckpoint } from "../../core/formats/shards.ts";

const BAD = join(import.meta.dirname, "../files/bad");
const entries = readdirSync(BAD).sort();
const cases = entries.filter((name) => !name.endsWith(".txt"));

function open(path: string): Promise<unknown> {
  if (!statSync(path).isDirectory()) return openSafetensors(fromBytes(basename(path), readFileSync(path)));
  const files = new Map<string, ByteSource>();
  for (const entry of readdirSync(path, { recursive: true, encoding: "utf8" })) {
    const name = entry.replaceAll("\\", "/");
    const full = join(path, entry);
    if (statSync(full).isFile()) files.set(name, fromBytes(basename(full), readFileSync(full)));
  }
  return openCheckpoint(files);
}

describe("files that must be refused", () => {
  test.each(cases)("%s", async (name) => {
    const sentence = readFileSync(join(BAD, `${name.replace(/\.safetensors$/, "")}.txt`), "utf8").trimEnd();
    const error = await open(join(BAD, name)).then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error).toMatchObject({ name: "FormatError", message: sentence });
  });

  test("every sentence has its file", () => {
    const names = new Set(cases.map((name) => name.replace(/\.safetensors$/, "")));
    const sentences = entries.filter((name) => name.endsWith(".txt")).map((name) => name.slice(0, -4));
    expect(sentences.filter((name) => !names.has(name))).toEqual([]);
    expect(cases.length).toBeGreaterThan(20);
  });
});
