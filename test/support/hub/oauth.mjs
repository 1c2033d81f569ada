/**
 * Signing in to the mock Hub as an application: whoever comes is demo, and agrees. A code is worth a token once, and only with
 * the proof (PKCE) that belongs to it.
 */
import { createHash } from "node:crypto";

const codes = new Map();
const TOKEN = "hf_demo";

/** @returns whether it was such a request */
export async function oauth(state, path, url, answer) {
  if (path === "/.well-known/openid-configuration") {
    const at = (end) => `${state.endpoint}/oauth/${end}`;
    answer.json(200, {
      authorization_endpoint: at("authorize"),
      token_endpoint: at("token"),
      userinfo_endpoint: at("userinfo"),
    });
  } else if (path === "/oauth/authorize") {
    const asked = url.searchParams;
    const code = createHash("sha256")
      .update(`${Date.now()} ${asked.get("state")}`)
      .digest("hex")
      .slice(0, 24);
    codes.set(code, { challenge: asked.get("code_challenge"), redirect: asked.get("redirect_uri") });
    const back = new URL(asked.get("redirect_uri"));
    back.searchParams.set("code", code);
    back.searchParams.set("state", asked.get("state"));
    answer.send(302, "", { Location: back.href });
  } else if (path === "/oauth/token") {
    const asked = new URLSearchParams((await answer.body()).toString());
    const known = codes.get(asked.get("code"));
    codes.delete(asked.get("code"));
    const proof = createHash("sha256")
      .update(asked.get("code_verifier") ?? "")
      .digest("base64url");
    if (known === undefined || known.challenge !== proof || known.redirect !== asked.get("redirect_uri"))
      answer.json(400, { error: "invalid_grant" });
    else answer.json(200, { access_token: TOKEN, expires_in: 28_800, scope: "openid profile", token_type: "bearer" });
  } else if (path === "/oauth/userinfo") {
    answer.json(200, { sub: "1", name: "demo", preferred_username: "demo" });
  } else return false;
  return true;
}
