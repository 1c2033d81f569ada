import { expect, test } from "vitest";
import { formatHubName, hubName, parseHubName } from "../../core/hub/name.ts";

test("names, revisions, folders and addresses are read", () => {
  const good: Record<string, ReturnType<typeof parseHubName>> = {
    "meta-llama/Llama-3.1-8B": { repo: "meta-llama/Llama-3.1-8B" },
    " org/name@v1.0 ": { repo: "org/name", revision: "v1.0" },
    "org/name@refs/pr/3": { repo: "org/name", revision: "refs/pr/3" },
    "org/name:unet": { repo: "org/name", folder: "unet" },
    "org/name@main:a/b": { repo: "org/name", revision: "main", folder: "a/b" },
    "https://huggingface.co/org/name": { repo: "org/name" },
    "huggingface.co/org/name/": { repo: "org/name" },
    "hf.co/org/name": { repo: "org/name" },
    "https://huggingface.co/org/name/tree/main": { repo: "org/name" },
    "https://huggingface.co/org/name/tree/v2/unet": { repo: "org/name", revision: "v2", folder: "unet" },
    "https://huggingface.co/org/name/blob/abc/config.json": { repo: "org/name", revision: "abc" },
    "https://huggingface.co/org/name/blob/refs%2Fpr%2F1/config.json": { repo: "org/name", revision: "refs/pr/1" },
    "https://huggingface.co/org/name/resolve/main/vae/model.safetensors?download=true": {
      repo: "org/name",
      folder: "vae",
    },
    "https://huggingface.co/org/name/discussions/4": { repo: "org/name" },
  };
  for (const [text, want] of Object.entries(good)) expect(parseHubName(text), text).toEqual(want);
});

test("what is no model's name is none", () => {
  const bad = [
    "",
    "name",
    "/org/name",
    "org/name/more",
    "../org/name",
    "org/..",
    "or g/name",
    "org/na--me",
    "org/name.git",
    "C:\\models\\x",
    "./org/name",
    "org/name@",
    "org/name@a..b",
    "org/name@a@b",
    "org/name:../x",
    "org/name:/x",
    "datasets/name",
    "https://huggingface.co/datasets/org/name",
    "https://huggingface.co/org",
    "https://example.com/org/name",
    "https://huggingface.co.evil.com/org/name",
    "https://huggingface.co/org/name/tree/main/..%2f..%2fx",
    "javascript:alert(1)",
  ];
  for (const text of bad) expect(parseHubName(text), text).toBeNull();
});

test("an endpoint of one's own is a site too, and a printed name reads back", () => {
  expect(parseHubName("http://127.0.0.1:4000/org/name/tree/x", "http://127.0.0.1:4000")).toEqual({
    repo: "org/name",
    revision: "x",
  });
  for (const text of ["org/name", "org/name@v1", "org/name:unet", "org/name@v1:unet"]) {
    const name = parseHubName(text);
    expect(name === null ? null : formatHubName(name)).toBe(text);
  }
  expect(hubName("org/name", "v1:unet")).toEqual({ repo: "org/name", revision: "v1", folder: "unet" });
});
