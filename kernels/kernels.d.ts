/** The bundler's address of the compiled kernels: `WebAssembly.compileStreaming(fetch(url))`. */
declare module "*/kernels.wasm?url" {
  const url: string;
  export default url;
}

declare module "*/kernels.shared.wasm?url" {
  const url: string;
  export default url;
}
