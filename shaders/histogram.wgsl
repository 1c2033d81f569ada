// Counts one digit of four magnitudes. Many elements of a weight file share a key (zeros above all),
// and every atomic on the same bin waits for the one before: so equal neighbours are added at once,
// key 0 never touches memory here (the return value says how many there were), and the caller keeps
// its count in a register or does without.

fn tally(start: u32, key: vec4<u32>, counted: vec4<bool>) -> u32 {
  let yes = counted & (key != vec4<u32>(0u));
  if (any(yes)) {
    let xy = yes.x && key.x == key.y && yes.y;
    let xz = yes.x && key.x == key.z && yes.z;
    let xw = yes.x && key.x == key.w && yes.w;
    let yz = yes.y && key.y == key.z && yes.z;
    let yw = yes.y && key.y == key.w && yes.w;
    let zw = yes.z && key.z == key.w && yes.w;
    if (yes.x) { atomicAdd(&bins[start + key.x], 1u + u32(xy) + u32(xz) + u32(xw)); }
    if (yes.y && !xy) { atomicAdd(&bins[start + key.y], 1u + u32(yz) + u32(yw)); }
    if (yes.z && !xz && !yz) { atomicAdd(&bins[start + key.z], 1u + u32(zw)); }
    if (yes.w && !xw && !yw && !zw) { atomicAdd(&bins[start + key.w], 1u); }
  }
  let zeros = select(vec4<u32>(0u), vec4<u32>(1u), counted & (key == vec4<u32>(0u)));
  return zeros.x + zeros.y + zeros.z + zeros.w;
}

// Bins of bits >>> 15. Bin 0 stays empty: it is the tile's count less all the others.
fn tally_high(start: u32, a: vec4<f32>, inside: vec4<bool>) {
  _ = tally(start, magnitude(a) >> vec4<u32>(15u), inside);
}

// Bins of bits & 0x7fff where bits >>> 15 is `digit`; returns what bin 0 should get.
fn tally_low(start: u32, a: vec4<f32>, digit: u32, inside: vec4<bool>) -> u32 {
  let m = magnitude(a);
  return tally(start, m & vec4<u32>(0x7fffu), inside & (m >> vec4<u32>(15u) == vec4<u32>(digit)));
}
