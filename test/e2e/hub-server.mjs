/** The mock Hub beside the studio that the browser tests drive. Faults are switched by `PUT /_mock/faults`. */
import { demoRepos, demoTokens } from "../support/hub/demo.mjs";
import { startHub } from "../support/hub/server.mjs";

const hub = await startHub({ repos: demoRepos(), tokens: demoTokens(), port: Number(process.env.PORT) });
console.log(`The mock Hub is at ${hub.endpoint}`);
