/** Layout of outputs: shards, offsets, index; and that the strict reader opens what is laid out. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ByteSource, fromBytes } from "../../core/bytes/source.ts";
import { openCheckpoint } from "../../core/formats/shards.ts";
import { headerOf, indexJson, layoutShards, type OutputTensorInfo } from "../../core/formats/write.ts";

const u8 = (name: string, bytes: number): OutputTensorInfo => ({ name, dtype: "U8", shape: [bytes], bytes });

describe("headerOf", () => {
  test("bytes of a header", () => {
    const header = headerOf([{ name: "a", dtype: "BF16", shape: [2, 3], bytes: 12 }], { format: "pt" });
    const json = '{"__metadata__":{"format":"pt"},"a":{"dtype":"BF16","shape":[2,3],"data_offsets":[0,12]}}';
    expect(new DataView(header.buffer).getBigUint64(0, true)).toBe(BigInt(header.length - 8));
    expect(new TextDecoder().decode(header.subarray(8))).toBe(json.padEnd(Math.ceil(json.length / 8) * 8));
  });

  test.each<[string, OutputTensorInfo[], string]>([
    ["twice", [u8("a", 1), u8("a", 1)], 'Output tensor "a" would be written twice. Leave one of them out.'],
    ["reserved", [u8("__metadata__", 1)], "keeps for itself"],
    ["half a pair", [u8("\ud800", 1)], "half of a surrogate pair"],
    ["size", [{ ...u8("a", 4), bytes: 5 }], 'Output tensor "a" is U8 [4], which takes 4 bytes, but is planned with 5.'],
  ])("refuses %s", (_, tensors, sentence) => {
    expect(() => headerOf(tensors, {})).toThrow(sentence);
  });

  test("refuses metadata that would make the header too long to be read", () => {
    expect(() => headerOf([u8("a", 1)], { long: "x".repeat(100_000_000) })).toThrow("Choose smaller shards.");
  });
});

describe("layoutShards", () => {
  const shards = (sizes: number[], limit: number) =>
    layoutShards(
      sizes.map((bytes, i) => u8(`t${i}`, bytes)),
      limit,
      {},
    );

  test("a shard closes before the tensor that would exceed it; a larger tensor is alone", () => {
    const { files, placements } = shards([4, 4, 1, 20, 3, 5, 1], 8);
    expect(placements.map(({ file }) => file)).toEqual([0, 0, 1, 2, 3, 3, 4]);
    expect(files.map(({ name }) => name)).toEqual([1, 2, 3, 4, 5].map((n) => `model-0000${n}-of-00005.safetensors`));
    expect(files.map(({ size, header }) => size - header.length)).toEqual([8, 1, 20, 8, 1]);
  });

  test("one file when all fits or there is no limit", () => {
    expect(shards([4, 4], 8).files.map(({ name }) => name)).toEqual(["model.safetensors"]);
    expect(shards([4, 4], Number.POSITIVE_INFINITY).files).toHaveLength(1);
  });

  test("aligned to 8 bytes as long as sizes are", () => {
    const { placements } = shards([8, 16, 24, 8], 32);
    expect(placements.every(({ range }) => range.start % 8 === 0)).toBe(true);
  });

  test("no metadata entry is lost and every shard has it", () => {
    const { files } = layoutShards([u8("a", 4), u8("b", 4)], 4, { format: "pt" });
    for (const { header } of files) expect(new TextDecoder().decode(header)).toContain('"format":"pt"');
  });

  test("the index names every tensor and the sum of their bytes", () => {
    const layout = layoutShards([u8("b", 4), u8("a", 4), u8("__proto__", 2)], 8, {});
    expect(indexJson(layout)).toBe(
      [
        "{",
        '  "metadata": {',
        '    "total_size": 10',
        "  },",
        '  "weight_map": {',
        '    "__proto__": "model-00002-of-00002.safetensors",',
        '    "a": "model-00001-of-00002.safetensors",',
        '    "b": "model-00001-of-00002.safetensors"',
        "  }",
        "}",
        "",
      ].join("\n"),
    );
  });

  test("property: what is laid out opens as planned, and no shard of several tensors is over the limit", async () => {
    const sizes = fc.array(fc.nat(40), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(sizes, fc.integer({ min: 1, max: 60 }), async (list, limit) => {
        const layout = shards(list, limit);
        const folder = new Map<string, ByteSource>();
        for (const { name, header, size } of layout.files) {
          const bytes = new Uint8Array(size);
          bytes.set(header);
          folder.set(name, fromBytes(name, bytes));
        }
        if (layout.files.length > 1) {
          const name = "model.safetensors.index.json";
          folder.set(name, fromBytes(name, new TextEncoder().encode(indexJson(layout))));
        }
        const { tensors, sources } = await openCheckpoint(folder);
        expect(tensors.size).toBe(list.length);
        for (const [i, placement] of layout.placements.entries()) {
          const info = tensors.get(`t${i}`);
          expect(info?.range).toEqual(placement.range);
          expect(info?.source.name).toBe(layout.files[placement.file]?.name);
        }
        expect(sources.map(({ name }) => name)).toEqual(layout.files.map(({ name }) => name));
        for (const [file, { size, header }] of layout.files.entries()) {
          const real = layout.placements.filter((one) => one.file === file && one.range.end > one.range.start);
          if (real.length > 1) expect(size - header.length).toBeLessThanOrEqual(limit);
        }
      }),
      { numRuns: 300 },
    );
  });
});
