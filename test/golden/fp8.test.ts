/** FP8 checkpoints by every convention that is read, against what torch multiplies them out to (made by fp8.py). */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { filesAt } from "../../cli/files.ts";
import { encode } from "../../core/bytes/convert.ts";
import { type ByteSource, fromBytes } from "../../core/bytes/source.ts";
import type { TensorInfo } from "../../core/formats/checkpoint.ts";
import { openSafetensors } from "../../core/formats/safetensors.ts";
import { dequantise } from "../../core/model/fp8.ts";
import { openModel } from "../../core/model/open.ts";

const root = join(import.meta.dirname, "fp8");
const CASES = ["blocks", "rows", "one", "experts"];
const work = mkdtempSync(join(tmpdir(), "weightloom-fp8-"));
afterAll(() => rmSync(work, { recursive: true }));

const bytesOf = ({ source, range }: TensorInfo) => source.read(range);
const open = async (path: string) => openSafetensors(fromBytes(path, new Uint8Array(readFileSync(path))));

describe.each(CASES)("%s", (name) => {
  const opening = async () => openModel(name, await filesAt(join(root, name)));

  test("is read as torch reads it, and has neither scales nor a word of quantisation left", async () => {
    const model = await opening();
    const expected = await open(join(root, "expected", `${name}.safetensors`));
    expect([...model.checkpoint.tensors.keys()].sort()).toEqual([...expected.tensors.keys()].sort());
    expect(model.config === null ? null : Object.keys(model.config)).toEqual(
      name === "one" ? null : ["model_type", "torch_dtype"],
    );
    for (const [tensor, info] of expected.tensors) {
      const own = model.checkpoint.tensors.get(tensor)!;
      expect(own.shape).toEqual(info.shape);
      if (own.dtype !== "F32") continue;
      expect(own.nominal).toBe("BF16");
      const bytes = await bytesOf(own);
      const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
      expect(Buffer.compare(encode("BF16", values), await bytesOf(info))).toBe(0);
    }
  });

  test("any range of it is that part of the whole", async () => {
    const model = await opening();
    const info = [...model.checkpoint.tensors.values()].find(({ dtype }) => dtype === "F32")!;
    const whole = await bytesOf(info);
    for (let i = 0; i < 40; i++) {
      const start = (i * 7919) % whole.length;
      const end = Math.min(whole.length, start + 1 + ((i * 104_729) % 5000));
      const into = i % 2 === 0 ? new Uint8Array(6000) : undefined;
      const part = await info.source.read({ start, end }, undefined, into);
      expect(Buffer.compare(part, whole.subarray(start, end))).toBe(0);
    }
  });

  test("goes through a merge and comes out in BF16", () => {
    const recipe = join(work, `${name}.yml`);
    writeFileSync(recipe, `merge_method: passthrough\nmodels: [{model: ${join(root, name)}}]\n`);
    const bin = join(import.meta.dirname, "../../bin/weightloom.mjs");
    const out = join(work, name);
    const done = spawnSync(process.execPath, [bin, "merge", recipe, out, "--engine", "cpu"], { encoding: "utf8" });
    expect(done.stderr).toContain("Wrote");
    return (async () => {
      const [made, expected] = await Promise.all([
        open(join(out, "model.safetensors")),
        open(join(root, "expected", `${name}.safetensors`)),
      ]);
      for (const [tensor, info] of expected.tensors) {
        expect(made.tensors.get(tensor)?.dtype).toBe("BF16");
        expect(Buffer.compare(await bytesOf(made.tensors.get(tensor)!), await bytesOf(info))).toBe(0);
      }
      if (readdirSync(out).includes("config.json"))
        expect(readFileSync(join(out, "config.json"), "utf8")).not.toMatch(/quant/);
    })();
  });
});

describe("refused, with a sentence", () => {
  const nothing: ByteSource = fromBytes("x", new Uint8Array(1000));
  const tensor = (name: string, dtype: TensorInfo["dtype"], ...shape: number[]): TensorInfo => ({
    name,
    dtype,
    shape,
    source: nothing,
    range: { start: 0, end: 0 },
  });
  const reading = (tensors: readonly TensorInfo[], quantization_config: object | null = null) =>
    dequantise(
      "m",
      { sources: [nothing], tensors: new Map(tensors.map((one) => [one.name, one])), metadata: new Map() },
      quantization_config === null ? null : ({ quantization_config } as never),
    );

  test("scales that fit nothing", () => {
    expect(() => reading([tensor("a.weight", "F8_E4M3", 300, 300), tensor("a.weight_scale_inv", "F32", 2, 2)])).toThrow(
      'm: the scales "a.weight_scale_inv" are [2, 2], which fits "a.weight" [300, 300] neither as one scale, nor as one per row, nor as blocks of 128 by 128.',
    );
    expect(() => reading([tensor("a.weight", "F8_E4M3", 6, 4), tensor("a.weight_scale", "F32", 1, 6)])).toThrow(
      "neither",
    );
  });

  test("scales of another type, and scales without a matrix", () => {
    expect(() => reading([tensor("a.weight", "F8_E4M3", 4, 4), tensor("a.weight_scale", "U8", 1)])).toThrow(/are U8/);
    const both = [tensor("a.weight", "F8_E4M3", 4, 4), tensor("a.weight_scale", "F32", 1)];
    expect(() => reading([...both, tensor("b.weight", "I32", 4), tensor("b.weight_scale", "F32", 1)])).toThrow(
      '"b.weight_scale" is the scale of a quantised matrix',
    );
  });

  test("a config that promises scales", () => {
    const bare = [tensor("a.weight", "F8_E4M3", 4, 4)];
    expect(() => reading(bare, { quant_method: "fp8" })).toThrow('"a.weight" has none beside it');
    expect(reading(bare)).toBeNull();
    expect(reading([tensor("a.weight", "BF16", 4, 4)], { quant_method: "fp8" })).toBeNull();
  });

  test.each([
    [{ quant_method: "awq", bits: 4 }, "quantised (awq)"],
    [{ quant_method: "mxfp4" }, "quantised (mxfp4)"],
    [
      { quant_method: "compressed-tensors", format: "pack-quantized" },
      "quantised (compressed-tensors, pack-quantized)",
    ],
    [{ quant_method: "modelopt", quant_algo: "NVFP4" }, "quantised (modelopt, NVFP4)"],
    [{ load_in_8bit: true }, "quantised (bitsandbytes 8-bit)"],
  ])("%j", async (quantization_config, sentence) => {
    const config = new TextEncoder().encode(JSON.stringify({ quantization_config }));
    const files = new Map([["config.json", fromBytes("config.json", config)]]);
    await expect(openModel("m", files)).rejects.toThrow(sentence);
  });
});
