// What every kernel sees. All inputs of a tile lie in one buffer, each at an offset that is a
// multiple of 256 bytes; it is bound up to three times, so that four elements are one load:
// of one word (8-bit types), two (16-bit), four (F32) or twice four (F64).

struct Params {
  count: u32,     // elements in the tile
  blocks: u32,    // blocks of 4096 elements in the tile
  first: u32,     // first element of the tile in its tensor, divided by 4
  zero: u32,      // 0, which the compiler cannot know: see pin()
  slots: array<vec4<u32>, SLOTS>, // byte offsets of the inputs, then the program's uniforms
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> words1: array<u32>;
@group(0) @binding(2) var<storage, read> words2: array<vec2<u32>>;
@group(0) @binding(3) var<storage, read> words4: array<vec4<u32>>;
@group(0) @binding(7) var<storage, read_write> bins: array<atomic<u32>>;
@group(0) @binding(6) var<storage, read_write> sums: array<f32>;

fn slot(i: u32) -> u32 {
  return params.slots[i / 4u][i % 4u];
}

fn uniform_value(i: u32) -> vec4<f32> {
  return vec4<f32>(bitcast<f32>(slot(i)));
}
