/**
 * `npm run demo:hub`: the studio and the mock Hub of the tests on fixed ports (4300, its storage on 4301), with the sample models, a gated and a
 * private one, and two of the shape of a Llama 70 B whose weights are made as they are asked for.
 */
import { demoRepos, demoTokens } from "../test/support/hub/demo.mjs";
import { startHub } from "../test/support/hub/server.mjs";

const repos = demoRepos();
const hub = await startHub({ repos, tokens: demoTokens(), port: Number(process.env.HUB_PORT ?? 4300) });
console.log(`A Hub that is only here: ${hub.endpoint}, its storage ${hub.storage}`);
console.log(`Models: ${[...repos.keys()].join(", ")}`);
console.log("Tokens: hf_demo (demo: may write, and has accepted the gated model's terms), hf_reader (may only read).");
console.log(`Command line: HF_ENDPOINT=${hub.endpoint} node bin/weightloom.mjs inspect weightloom/imagined-70b`);

process.env.HF_ENDPOINT = hub.endpoint;
process.env.HF_STORAGE = hub.storage;
await import("./start.mjs");
