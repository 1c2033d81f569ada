// Philox4x32-7 (Salmon et al., SC 2011): a counter and a key in, four words out. The counter is the
// element's index in its tensor divided by eight: the second four take the words turned by 16 bits.

fn product_high(a: u32, b: u32) -> u32 {
  let a0 = a & 0xffffu;
  let a1 = a >> 16u;
  let b0 = b & 0xffffu;
  let b1 = b >> 16u;
  let middle = a1 * b0 + ((a0 * b0) >> 16u);
  let upper = a0 * b1 + (middle & 0xffffu);
  return a1 * b1 + (middle >> 16u) + (upper >> 16u);
}

fn philox(counter: vec4<u32>, seed: vec2<u32>) -> vec4<u32> {
  var c = counter;
  var key = seed;
  for (var round = 0u; round < 7u; round++) {
    c = vec4<u32>(
      product_high(0xcd9e8d57u, c.z) ^ c.y ^ key.x,
      0xcd9e8d57u * c.z,
      product_high(0xd2511f53u, c.x) ^ c.w ^ key.y,
      0xd2511f53u * c.x,
    );
    key += vec2<u32>(0x9e3779b9u, 0xbb67ae85u);
  }
  return c;
}

// Uniform in [0, 1), 24 bits.
fn uniform_random(key0: u32, key1: u32, group: u32) -> vec4<f32> {
  let four = params.first + group;
  let words = philox(vec4<u32>(four >> 1u, 0u, 0u, 0u), vec2<u32>(key0, key1));
  let drawn = select(words, (words << vec4<u32>(16u)) | (words >> vec4<u32>(16u)), (four & 1u) == 1u);
  return vec4<f32>(drawn >> vec4<u32>(8u)) * 5.9604644775390625e-8;
}
