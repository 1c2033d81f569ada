/**
 * Which Hub a build speaks to, from the environment: HF_ENDPOINT (a mirror's address), HF_STORAGE (further origins from which it
 * serves files, separated by spaces), VITE_HF_CLIENT_ID (this studio as a registered application, for signing in). What may be
 * connected to is fixed with the build: a page that could be pointed elsewhere could send things elsewhere.
 */

const ENDPOINT = "https://huggingface.co";
/** Where Hugging Face keeps the bytes. */
const STORAGE = ["https://*.hf.co"];

/** @param {Record<string, string | undefined>} env */
export function hubOfBuild(env) {
  const endpoint = origin("HF_ENDPOINT", env.HF_ENDPOINT?.trim() || ENDPOINT);
  const more = (env.HF_STORAGE ?? "").split(/\s+/).filter((one) => one !== "");
  const storage = endpoint === ENDPOINT ? STORAGE : [];
  return {
    endpoint,
    clientId: env.VITE_HF_CLIENT_ID?.trim() || null,
    origins: [...new Set([endpoint, ...storage, ...more.map((one) => origin("HF_STORAGE", one))])],
  };
}

function origin(variable, text) {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isPlain = url !== null && url.pathname === "/" && url.search === "" && url.hash === "" && url.username === "";
  // A semicolon may stand in a host, and would end a line of the policy.
  if (!isPlain || !/^https?:\/\/([\w.-]+|\[[\da-f:]+\])(:\d+)?$/.test(url.origin))
    throw new Error(`${variable} is "${text}"; it must be an origin such as ${ENDPOINT}, without a path.`);
  return url.origin;
}
