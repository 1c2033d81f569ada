/**
 * Writes bad/: files and folders that must be refused, each beside the exact sentence it must be refused with
 * (`name.safetensors` or `name/`, and `name.txt`). The test lists the directory, so a file dropped there by hand with
 * its sentence is covered too. Run with `node test/files/make-bad.mjs` after adding a case here.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const BAD = join(dirname(fileURLToPath(import.meta.url)), "bad");
const AGAIN = "Download it again.";
const DAMAGED = `The file is damaged. ${AGAIN}`;
const NOT = `This is not a safetensors file, or its beginning is damaged. ${AGAIN}`;
const FOREIGN = "It was not written by a safetensors library: save it again with one.";
const AGAIN_ALL = "Download the index and its shards again, all from one version of the model.";
const DISTRUST =
  "and only plain .safetensors file names are allowed. Do not trust this index: get the model from somewhere else.";

const bytes = (...parts) => Buffer.concat(parts.map((part) => Buffer.from(part)));
const prefix = (length) => {
  const eight = Buffer.alloc(8);
  eight.writeBigUInt64LE(BigInt(length));
  return eight;
};
/** A whole file: header text or bytes, then `data` zeros. */
const whole = (header, data = 0) => bytes(prefix(Buffer.from(header).length), header, Buffer.alloc(data));
const tensor = (name, dtype, shape, offsets) =>
  `${JSON.stringify(name)}:{"dtype":${JSON.stringify(dtype)},"shape":[${shape}],"data_offsets":[${offsets}]}`;
const tensors = (...list) => `{${list.join(",")}}`;
/** 16 bytes of data behind a header that describes all of it but for what a case breaks. */
const A = tensor("a", "F32", [2], [0, 8]);
const B = tensor("b", "F32", [2], [8, 16]);
/** A good shard of one F32 tensor per name. */
const shard = (...names) =>
  whole(tensors(...names.map((name, i) => tensor(name, "F32", [1], [4 * i, 4 * i + 4]))), 4 * names.length);
const index = (map, metadata = { total_size: 1 }) => JSON.stringify({ metadata, weight_map: map });

const files = {
  // The length prefix.
  "size-empty": [bytes(), `the file has 0 bytes, and a safetensors file has at least 10. ${AGAIN}`],
  "size-seven": [Buffer.alloc(7), `the file has 7 bytes, and a safetensors file has at least 10. ${AGAIN}`],
  "length-zero": [bytes(prefix(0), "{}"), `the header is said to have 0 bytes, and the shortest has 2. ${AGAIN}`],
  "length-200-mb": [
    bytes(prefix(200_000_000), "{}"),
    `the header is said to have 200,000,000 bytes, and at most 100,000,000 are allowed. ${NOT}`,
  ],
  "length-past-2-53": [
    bytes(prefix(2n ** 64n - 1n), "{}"),
    `the header is said to have 18,446,744,073,709,551,615 bytes, and at most 100,000,000 are allowed. ${NOT}`,
  ],
  "length-past-end": [
    bytes(prefix(3), "{}"),
    `the header is said to have 3 bytes, but only 2 follow. The file is cut off. ${AGAIN}`,
  ],

  // Other things under this name.
  "other-lfs-pointer": [
    bytes("version https://git-lfs.github.com/spec/v1\noid sha256:0000\nsize 16\n"),
    "this is not a safetensors file but a Git LFS pointer: the weights themselves were never fetched. Run git lfs pull in that folder, or download the file itself.",
  ],
  "other-web-page": [
    bytes("<!doctype html><title>Sign in</title>"),
    "this is not a safetensors file but a web page. Download the file itself, signed in if the model asks for it.",
  ],
  "other-gguf": [
    bytes("GGUF", [3, 0, 0, 0], Buffer.alloc(8)),
    "this is not a safetensors file but a GGUF file, which is not read. Use the safetensors checkpoint it was made from.",
  ],
  "other-pickle": [
    bytes("PK\u0003\u0004", [0, 0, 8, 8], Buffer.alloc(8)),
    "this is not a safetensors file but a zip archive, as PyTorch pickles are. Convert it: load it in Python and save it with safetensors.",
  ],

  // The header as text.
  "text-not-brace": [whole("[]"), `the header must begin with "{", but its first byte is 0x5b. ${NOT}`],
  "text-byte-order-mark": [
    whole(bytes([0xef, 0xbb, 0xbf], "{}")),
    `the header must begin with "{", but its first byte is 0xef. ${NOT}`,
  ],
  "text-space-first": [whole(" {}"), `the header must begin with "{", but its first byte is 0x20. ${NOT}`],
  "text-not-utf8": [whole(bytes('{"', [0xff], '":1}')), `the header is not valid UTF-8. ${DAMAGED}`],
  "text-overlong-utf8": [whole(bytes('{"', [0xc0, 0x80], '":1}')), `the header is not valid UTF-8. ${DAMAGED}`],

  // The header as JSON.
  "json-cut": [whole('{"a":'), `tensor "a" must be described by an object. ${FOREIGN}`],
  "json-cut-string": [
    whole('{"abc'),
    `in the header, the rest of a string was expected, but the end stands there at character 6. ${DAMAGED}`,
  ],
  "json-trailing-comma": [
    whole(`{${A},}`, 8),
    `in the header, a string was expected, but "}" stands there at character 55. ${DAMAGED}`,
  ],
  "json-after-end": [
    whole(`{${A}}x`, 8),
    `in the header, nothing more was expected, but "x" stands there at character 55. ${DAMAGED}`,
  ],
  "json-nul-padding": [
    whole("{}\0\0"),
    `in the header, nothing more was expected, but "\\u0000" stands there at character 3. ${DAMAGED}`,
  ],
  "json-control-character": [
    whole('{"a\nb":1}'),
    `in the header, the rest of a string was expected, but "\\n" stands there at character 4. ${DAMAGED}`,
  ],
  "json-half-surrogate": [
    whole('{"\\ud800":1}'),
    `in the header, half of a surrogate pair stands in a string at character 2. ${DAMAGED}`,
  ],
  "json-unknown-escape": [whole('{"\\x41":1}'), `in the header, an unknown escape stands at character 3. ${DAMAGED}`],
  "json-broken-escape": [
    whole('{"\\u00g0":1}'),
    `in the header, a broken \\u escape stands at character 3. ${DAMAGED}`,
  ],
  "json-twice-tensor": [
    whole(`{${A},${tensor("a", "F32", [2], [8, 16])}}`, 16),
    `in the header, the key "a" stands a second time at character 55. ${DAMAGED}`,
  ],
  "json-twice-escaped": [
    whole(`{${A},"\\u0061":{}}`, 8),
    `in the header, the key "a" stands a second time at character 55. ${DAMAGED}`,
  ],
  "json-twice-field": [
    whole('{"a":{"dtype":"F32","dtype":"F64"}}'),
    `in the header, the key "dtype" stands a second time at character 21. ${DAMAGED}`,
  ],
  "json-twice-metadata": [
    whole('{"__metadata__":{},"__metadata__":{}}'),
    `in the header, the key "__metadata__" stands a second time at character 20. ${DAMAGED}`,
  ],

  // Numbers.
  "number-exponent": [
    whole(tensors(tensor("a", "F32", ["1e3"], [0, 4000])), 16),
    `in the header, the number 1e3, which is not a plain whole number from 0 to 2^53 - 1, stands at character 30. ${DAMAGED}`,
  ],
  "number-fraction": [
    whole(tensors(tensor("a", "F32", ["2.0"], [0, 8])), 8),
    `in the header, the number 2.0, which is not a plain whole number from 0 to 2^53 - 1, stands at character 30. ${DAMAGED}`,
  ],
  "number-negative-zero": [
    whole(tensors(tensor("a", "F32", [0], ["-0", 0])), 0),
    `in the header, the number -0, which is not a plain whole number from 0 to 2^53 - 1, stands at character 49. ${DAMAGED}`,
  ],
  "number-2-53": [
    whole(tensors(tensor("a", "F32", ["9007199254740992"], [0, 8])), 8),
    `in the header, the number 9007199254740992, which is not a plain whole number from 0 to 2^53 - 1, stands at character 30. ${DAMAGED}`,
  ],
  "number-leading-zero": [
    whole(tensors(tensor("a", "F32", ["02"], [0, 8])), 8),
    `in the header, a number with a leading zero stands at character 30. ${DAMAGED}`,
  ],
  "number-very-long": [
    whole(tensors(tensor("a", "F32", ["9".repeat(5000)], [0, 8])), 8),
    `in the header, the number ${"9".repeat(40)}, which is not a plain whole number from 0 to 2^53 - 1, stands at character 30. ${DAMAGED}`,
  ],

  // __metadata__.
  "metadata-list": [whole('{"__metadata__":[]}'), `__metadata__ must be an object of strings. ${FOREIGN}`],
  "metadata-number": [
    whole('{"__metadata__":{"format":1}}'),
    `__metadata__ has "format", which must be a string. ${FOREIGN}`,
  ],
  "metadata-nested": [
    whole('{"__metadata__":{"format":{"a":{"b":{"c":{}}}}}}'),
    `__metadata__ has "format", which must be a string. ${FOREIGN}`,
  ],
  "metadata-as-tensor": [
    whole(`{${tensor("__metadata__", "F32", [1], [0, 4])}}`, 4),
    `__metadata__ has "shape", which must be a string. ${FOREIGN}`,
  ],

  // One tensor.
  "tensor-not-object": [whole('{"__proto__":1}'), `tensor "__proto__" must be described by an object. ${FOREIGN}`],
  "tensor-name-long": [
    whole(tensors(tensor("n".repeat(1025), "F32", [2], [0, 8])), 8),
    `tensor "${"n".repeat(120)}..." has a name of 1,025 characters, and at most 1,024 are allowed. ${FOREIGN}`,
  ],
  "tensor-name-unseen": [
    whole(tensors(tensor("a\u202eb\u0007", "F32", [2], [0, 4])), 4),
    `tensor "a\\u202eb\\u0007" is F32 [2], which takes 8 bytes, but its data_offsets span 4. ${DAMAGED}`,
  ],
  "tensor-no-dtype": [whole('{"a":{"shape":[],"data_offsets":[0,4]}}', 4), `tensor "a" has no dtype. ${FOREIGN}`],
  "tensor-no-shape": [whole('{"a":{"dtype":"F32","data_offsets":[0,4]}}', 4), `tensor "a" has no shape. ${FOREIGN}`],
  "tensor-no-offsets": [
    whole('{"a":{"dtype":"F32","shape":[]}}', 4),
    `tensor "a" has no pair of data_offsets. ${FOREIGN}`,
  ],
  "tensor-one-offset": [
    whole(tensors(tensor("a", "F32", [], [4])), 4),
    `tensor "a" has no pair of data_offsets. ${FOREIGN}`,
  ],
  "tensor-three-offsets": [
    whole(tensors(tensor("a", "F32", [], [0, 4, 8])), 4),
    `tensor "a" has more than 2 numbers in its data_offsets. ${FOREIGN}`,
  ],
  "tensor-unknown-field": [
    whole('{"a":{"dtype":"F32","strides":[1],"shape":[],"data_offsets":[0,4]}}', 4),
    `tensor "a" has the field "strides"; only dtype, shape and data_offsets are known. ${FOREIGN}`,
  ],
  "tensor-dtype-unknown": [
    whole(tensors(tensor("a", "F128", [1], [0, 16])), 16),
    'tensor "a" has the unknown dtype "F128". Known are F64, F32, F16, BF16, F8_E4M3, F8_E5M2, I64, I32, I16, I8, U64, U32, U16, U8, BOOL, C64, F8_E8M0, F8_E4M3FNUZ, F8_E5M2FNUZ, F6_E2M3, F6_E3M2, F4. Save it as one of these.',
  ],
  "tensor-dtype-constructor": [
    whole(tensors(tensor("constructor", "constructor", [1], [0, 4])), 4),
    'tensor "constructor" has the unknown dtype "constructor". Known are F64, F32, F16, BF16, F8_E4M3, F8_E5M2, I64, I32, I16, I8, U64, U32, U16, U8, BOOL, C64, F8_E8M0, F8_E4M3FNUZ, F8_E5M2FNUZ, F6_E2M3, F6_E3M2, F4. Save it as one of these.',
  ],
  "tensor-dtype-number": [
    whole('{"a":{"dtype":32,"shape":[],"data_offsets":[0,4]}}', 4),
    `tensor "a" has a dtype that is not a string. ${FOREIGN}`,
  ],
  "tensor-shape-string": [
    whole('{"a":{"dtype":"F32","shape":"2","data_offsets":[0,8]}}', 8),
    `tensor "a" has a shape that is not a list of numbers. ${FOREIGN}`,
  ],
  "tensor-shape-nested": [
    whole(tensors(tensor("a", "F32", ["[".repeat(5000) + "]".repeat(5000)], [0, 8])), 8),
    `tensor "a" has a shape that is not a list of numbers. ${FOREIGN}`,
  ],
  "tensor-rank-nine": [
    whole(tensors(tensor("a", "F32", [1, 1, 1, 1, 1, 1, 1, 1, 1], [0, 4])), 4),
    `tensor "a" has more than 8 numbers in its shape. ${FOREIGN}`,
  ],
  "tensor-shape-overflow": [
    whole(tensors(tensor("a", "F32", [4294967296, 4294967296], [0, 8])), 8),
    `tensor "a" has the shape [4294967296, 4294967296], which is past any file. ${AGAIN}`,
  ],
  "tensor-shape-overflow-empty": [
    whole(tensors(tensor("a", "F32", [4294967296, 4294967296, 0], [0, 0]))),
    `tensor "a" has the shape [4294967296, 4294967296, 0], which is past any file. ${AGAIN}`,
  ],
  "tensor-half-byte": [
    whole(tensors(tensor("a", "F4", [3], [0, 2])), 2),
    `tensor "a" is F4 [3], which takes 12 bits and does not fill whole bytes. ${FOREIGN}`,
  ],
  "tensor-size": [
    whole(tensors(tensor("a", "BF16", [2, 3], [0, 16])), 16),
    `tensor "a" is BF16 [2, 3], which takes 12 bytes, but its data_offsets span 16. ${DAMAGED}`,
  ],
  "tensor-backwards": [
    whole(tensors(tensor("a", "F32", [2], [8, 0])), 8),
    `tensor "a" has data_offsets that end at 0, before they begin at 8. ${AGAIN}`,
  ],
  "tensor-offsets-past-2-53": [
    whole(tensors(tensor("a", "F32", [0], ["9007199254740991", "9007199254740991"]))),
    `tensor "a" has data_offsets that end at 9,007,199,254,740,991, past any file. ${AGAIN}`,
  ],

  // All tensors together.
  "cover-hole-first": [
    whole(tensors(B), 16),
    `tensor "b" begins at byte 71, but the header ends at byte 63. No bytes may lie between. ${AGAIN}`,
  ],
  "cover-hole": [
    whole(tensors(A, tensor("b", "F32", [2], [12, 20])), 20),
    `tensor "b" begins at byte 129, but tensor "a" ends at byte 125. No bytes may lie between. ${AGAIN}`,
  ],
  "cover-overlap": [
    whole(tensors(A, tensor("b", "F32", [2], [4, 12])), 12),
    `tensor "b" begins at byte 120, inside tensor "a", which ends at byte 124. Tensors may not overlap. ${AGAIN}`,
  ],
  "cover-same-bytes": [
    whole(tensors(A, tensor("b", "F32", [2], [0, 8])), 8),
    `tensor "b" begins at byte 115, inside tensor "a", which ends at byte 123. Tensors may not overlap. ${AGAIN}`,
  ],
  "cover-truncated": [whole(tensors(A, B), 12), `tensor "b" ends at byte 132, but the file has 128 bytes. ${AGAIN}`],
  "cover-trailing": [
    whole(tensors(A, B), 17),
    `tensor "b" ends at byte 132, but the file has 133 bytes. Nothing may follow the last tensor. ${AGAIN}`,
  ],
  "cover-no-tensors": [
    whole("{}", 4),
    `the header ends at byte 10, but the file has 14 bytes. Nothing may follow the last tensor. ${AGAIN}`,
  ],
};

const X = "model-00001-of-00002.safetensors";
const Y = "model-00002-of-00002.safetensors";
const INDEX = "model.safetensors.index.json";
/** An index whose only entry names this shard. */
const pointing = (shardName) => [
  { [INDEX]: index({ a: shardName }) },
  `${INDEX}: the shard of tensor "a" is said to be ${JSON.stringify(shardName)}, ${DISTRUST}`,
];

/** Folders: files, then the whole sentence. */
const folders = {
  "index-not-json": [{ [INDEX]: "oops" }, `${INDEX}: the index must be a JSON object. Download it again.`],
  "index-cut": [
    { [INDEX]: '{"metadata": {"total_size": 1.5e3, "x": [true, null, -0]}, "weight_map": {"a": "m.safetensors"' },
    `${INDEX}: in the index, "," or "}" was expected, but the end stands there at character 95. Download it again.`,
  ],
  "index-deep": [
    { [INDEX]: `{"metadata": ${"[".repeat(100)}${"]".repeat(100)}, "weight_map": {}}` },
    `${INDEX}: in the index, a value nested more than 32 levels deep stands at character 47. Download it again.`,
  ],
  "index-not-utf8": [
    { [INDEX]: bytes('{"', [0xff], '":1}') },
    `${INDEX}: the index is not valid UTF-8. Download it again.`,
  ],
  "index-twice": [
    { [INDEX]: `{"weight_map":{"a":"${X}","a":"${Y}"}}`, [X]: shard("a"), [Y]: shard("a") },
    `${INDEX}: in the index, the key "a" stands a second time at character 55. Download it again.`,
  ],
  "index-no-map": [
    { [INDEX]: '{"metadata":{}}' },
    `${INDEX}: the index has no weight_map with tensors in it. Download it again.`,
  ],
  "index-empty-map": [
    { [INDEX]: index({}) },
    `${INDEX}: the index has no weight_map with tensors in it. Download it again.`,
  ],
  "index-map-list": [
    { [INDEX]: '{"weight_map":[]}' },
    `${INDEX}: the weight_map must be an object. Download the index again.`,
  ],
  "index-map-number": [
    { [INDEX]: '{"weight_map":{"a":1}}' },
    `${INDEX}: the weight_map gives tensor "a" something other than a file name. Download the index again.`,
  ],
  "index-path-up": pointing("../other.safetensors"),
  "index-path-down": pointing("sub/other.safetensors"),
  "index-path-windows": pointing("sub\\other.safetensors"),
  "index-path-drive": pointing("C:other.safetensors"),
  "index-path-url": pointing("https://example.org/other.safetensors"),
  "index-path-hidden": pointing(".other.safetensors"),
  "index-path-dots": pointing("a..b.safetensors"),
  "index-path-nul": pointing("a\u0000.safetensors"),
  "index-path-newline": pointing("a\n.safetensors"),
  "index-path-pickle": pointing("pytorch_model.bin"),
  "index-missing-shard": [
    { [INDEX]: index({ a: X, b: Y }), [X]: shard("a") },
    `${INDEX}: of its 2 shards "${Y}" is not here. Add all shards together with the index.`,
  ],
  "index-missing-shards": [
    { [INDEX]: index({ a: X, b: Y }) },
    `${INDEX}: of its 2 shards "${X}", "${Y}" are not here. Add all shards together with the index.`,
  ],
  "index-wrong-shard": [
    { [INDEX]: index({ a: X, b: Y }), [X]: shard("b"), [Y]: shard("a") },
    `${INDEX}: tensor "a" should be in ${X}, but it is in ${Y}. ${AGAIN_ALL}`,
  ],
  "index-missing-tensor": [
    { [INDEX]: index({ a: X, b: Y, c: Y }), [X]: shard("a"), [Y]: shard("b") },
    `${INDEX}: tensor "c" should be in ${Y}, but it is in none of the shards. ${AGAIN_ALL}`,
  ],
  "index-extra-tensors": [
    { [INDEX]: index({ a: X, b: Y }), [X]: shard("a", "c", "d"), [Y]: shard("b", "e", "f") },
    `${INDEX}: the shards hold "c", "d", "e" and 1 more, which the index does not name. ${AGAIN_ALL}`,
  ],
  "index-tensor-in-two": [
    { [INDEX]: index({ a: X, b: Y }), [X]: shard("a"), [Y]: shard("a", "b") },
    `${Y}: tensor "a" is also in ${X}. One checkpoint may hold it once: download the shards again, all from one version of the model.`,
  ],
  "index-bad-shard": [
    { [INDEX]: index({ a: X, b: Y }), [X]: shard("a"), [Y]: shard("b").subarray(0, -1) },
    `${Y}: tensor "b" ends at byte 66, but the file has 65 bytes. ${AGAIN}`,
  ],
  "index-several": [
    { "one.safetensors.index.json": index({ a: X }), "two.safetensors.index.json": index({ b: Y }) },
    'The folder has 2 indexes: "one.safetensors.index.json", "two.safetensors.index.json". Add one of them with its shards, without the others.',
  ],
  "shards-incomplete": [
    { "model-00001-of-00003.safetensors": shard("a"), "model-00003-of-00003.safetensors": shard("c") },
    'The folder has 2 of the 3 shards that "model-00001-of-00003.safetensors" belongs to; number 2 is the first that is missing. Add all of them together.',
  ],
  "shards-of-two": [
    { "model-00001-of-00002.safetensors": shard("a"), "other-00002-of-00002.safetensors": shard("b") },
    'The folder has 2 weight files that are not the shards of one model: "model-00001-of-00002.safetensors", "other-00002-of-00002.safetensors". Add the files of one model at a time.',
  ],
  "shards-number-past-count": [
    { "model-00001-of-00002.safetensors": shard("a"), "model-00003-of-00002.safetensors": shard("b") },
    'The folder has 2 weight files that are not the shards of one model: "model-00001-of-00002.safetensors", "model-00003-of-00002.safetensors". Add the files of one model at a time.',
  ],
  "shards-number-twice": [
    { "m-01-of-2.safetensors": shard("a"), "m-1-of-2.safetensors": shard("b"), "m-2-of-2.safetensors": shard("c") },
    'The folder has 3 weight files that are not the shards of one model: "m-01-of-2.safetensors", "m-1-of-2.safetensors", "m-2-of-2.safetensors". Add the files of one model at a time.',
  ],
  "shards-tensor-in-two": [
    { [X]: shard("a"), [Y]: shard("a") },
    `${Y}: tensor "a" is also in ${X}. One checkpoint may hold it once: download the shards again, all from one version of the model.`,
  ],
  "folder-two-models": [
    { "one.safetensors": shard("a"), "two.safetensors": shard("b") },
    'The folder has 2 weight files that are not the shards of one model: "one.safetensors", "two.safetensors". Add the files of one model at a time.',
  ],
  "folder-pipeline": [
    { "model_index.json": "{}", "unet/a.safetensors": shard("a"), "vae/b.safetensors": shard("b") },
    'Weights are in 2 folders: "unet/", "vae/". A model is one of them: add that folder alone.',
  ],
  "folder-pickle": [
    { "config.json": "{}", "pytorch_model.bin": "PK" },
    "pytorch_model.bin: this is a pickle, a format that can run programs, and it is not opened. Convert it first: load the model in transformers and call save_pretrained(folder, safe_serialization=True).",
  ],
  "folder-gguf": [
    { "model-q4.gguf": "GGUF" },
    "model-q4.gguf: GGUF files are not read. Use the safetensors checkpoint it was made from.",
  ],
  "folder-no-weights": [
    { "config.json": "{}", "._model.safetensors": "resource fork" },
    'The folder has no weights, only "config.json". A model needs at least one .safetensors file: add it too.',
  ],
};

function write(path, content) {
  mkdirSync(dirname(join(BAD, path)), { recursive: true });
  writeFileSync(join(BAD, path), content);
}

for (const [name, [content, sentence]] of Object.entries(files)) {
  write(`${name}.safetensors`, content);
  write(`${name}.txt`, `${name}.safetensors: ${sentence}\n`);
}
for (const [name, [content, sentence]] of Object.entries(folders)) {
  for (const [file, data] of Object.entries(content)) write(`${name}/${file}`, data);
  write(`${name}.txt`, `${sentence}\n`);
}
