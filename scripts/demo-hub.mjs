/**
 * `npm run demo:hub`: the mock Hub of the tests on fixed ports (4300, its storage on 4301), with the sample models, a gated and a
 * private one, and two of the shape of a Llama 70 B whose weights are made as they are asked for.
 */
import { join } from "node:path";
import { folderFiles, llamaFiles, repository } from "../test/support/hub/repos.mjs";
import { startHub } from "../test/support/hub/server.mjs";
import { root } from "./setup.mjs";

const sample = (name) => folderFiles(join(root, "public/samples", name));
const repos = new Map([
  ...["base", "adder", "sorter", "reverser"].map((name, i) => [
    `weightloom/${name}`,
    repository(sample(name), { downloads: 1000 - i, likes: 10 }),
  ]),
  ["weightloom/gated", repository(sample("adder"), { gated: "auto", licence: "llama3.1", downloads: 500 })],
  ["demo/private", repository(sample("base"), { private: true })],
  ["weightloom/imagined-70b", repository(llamaFiles("70b"), { downloads: 900, licence: "llama3.1" })],
  ["weightloom/imagined-70b-tuned", repository(llamaFiles("70b tuned"), { downloads: 800, licence: "llama3.1" })],
]);
const tokens = new Map([
  ["hf_demo", { name: "demo", accepted: ["weightloom/gated"] }],
  ["hf_reader", { name: "reader", role: "read" }],
]);
const hub = await startHub({ repos, tokens, port: Number(process.env.HUB_PORT ?? 4300) });
console.log(`A Hub that is only here: ${hub.endpoint}, its storage ${hub.storage}`);
console.log(`Models: ${[...repos.keys()].join(", ")}`);
console.log("Tokens: hf_demo (demo: may write, and has accepted the gated model's terms), hf_reader (may only read).");
console.log(`Command line: HF_ENDPOINT=${hub.endpoint} node bin/weightloom.mjs inspect weightloom/imagined-70b`);
