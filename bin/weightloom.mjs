#!/usr/bin/env node
/** The command line: builds itself when it is out of date in a checkout, then runs. */
import { build } from "../scripts/build.mjs";

await build("cli", { quiet: true });
await import("../dist/cli/weightloom.js");
