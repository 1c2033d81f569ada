/** What the mock Hub holds for trying the studio out and for its tests: models, and the tokens of two people. */
import { join } from "node:path";
import { folderFiles, llamaFiles, repository } from "./repos.mjs";

const samples = join(import.meta.dirname, "../../../public/samples");
const sample = (name) => folderFiles(join(samples, name));
export const demoRepos = () =>
  new Map([
    ...["base", "adder", "sorter", "reverser"].map((name, i) => [
      `weightloom/${name}`,
      repository(sample(name), { downloads: 1000 - i, likes: 10 }),
    ]),
    ["weightloom/gated", repository(sample("adder"), { gated: "auto", licence: "llama3.1", downloads: 500 })],
    ["demo/private", repository(sample("base"), { private: true })],
    ["weightloom/imagined-70b", repository(llamaFiles("70b"), { downloads: 900, licence: "llama3.1" })],
    ["weightloom/imagined-70b-tuned", repository(llamaFiles("70b tuned"), { downloads: 800, licence: "llama3.1" })],
  ]);
export const demoTokens = () =>
  new Map([
    ["hf_demo", { name: "demo", accepted: ["weightloom/gated"] }],
    ["hf_reader", { name: "reader", role: "read" }],
  ]);
