/** The door: one host, exposed. */
import "./trusted.ts";
import { expose } from "comlink";
import { createHost } from "./host.ts";
import { browserPlatform } from "./platform.ts";

expose(createHost(browserPlatform));
