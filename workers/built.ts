/** What the build decides: which Hub the page speaks to, and as which registered application people sign in there. */
declare const __HUB__: { readonly endpoint: string; readonly clientId: string | null } | undefined;

export const HUB = typeof __HUB__ === "undefined" ? { endpoint: "https://huggingface.co", clientId: null } : __HUB__;
