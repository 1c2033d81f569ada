import { expect, test } from "vitest";
import { floatKeys, printConfig } from "../../core/model/floats.ts";
import type { JsonObject } from "../../core/model/model.ts";

const text = `{"initializer_factor": 1.0, "rope_theta": 1e6, "hidden_size": 64, "list": [1, 2.0],
  "says": "a: 3.0, \\"x\\": 4.0", "inner": {"dropout": 0.0, "rate": 0.5, "layers": [], "none": {}}, "neg": -2.0, "yes": true, "no": null}`;

test("whole numbers written as floats are found by their keys", () => {
  expect([...floatKeys(text)].sort()).toEqual(["dropout", "initializer_factor", "list", "neg", "rope_theta"]);
});

test("and are printed as floats again", () => {
  const printed = printConfig(JSON.parse(text) as JsonObject, floatKeys(text));
  expect(printed).toContain('"initializer_factor": 1.0,');
  expect(printed).toContain('"rope_theta": 1000000.0,');
  expect(printed).toContain('"hidden_size": 64,');
  expect(printed).toContain('"neg": -2.0,');
  expect(JSON.parse(printed)).toEqual(JSON.parse(text));
});

test("without floats it is JSON.stringify's text", () => {
  const value = JSON.parse(text) as JsonObject;
  expect(printConfig(value)).toBe(`${JSON.stringify(value, null, 2)}\n`);
});
