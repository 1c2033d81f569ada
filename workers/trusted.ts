/**
 * The page's policy lets no string become a script, a page or a worker unless this says so: addresses of its own origin may
 * be workers, nothing else may be anything. Imported first by the page and by every worker that starts others.
 */
interface TrustedTypes {
  createPolicy(name: string, rules: { readonly createScriptURL: (address: string) => string }): unknown;
}

const { trustedTypes } = globalThis as { readonly trustedTypes?: TrustedTypes };

trustedTypes?.createPolicy("default", {
  createScriptURL: (address) => {
    if (new URL(address, location.href).origin === location.origin) return address;
    throw new TypeError(`A script from elsewhere was refused: ${address}`);
  },
});
