// Tables lie behind the inputs, one word per entry; `place` is the index of four elements in the tile plus
// whatever part of a row lies before the tile.

fn along_rows(offset: u32, place: u32, columns: u32) -> vec4<f32> {
  let row = (vec4<u32>(place) + vec4<u32>(0u, 1u, 2u, 3u)) / vec4<u32>(columns);
  return entries(offset, row);
}

fn along_columns(offset: u32, index: u32, columns: u32) -> vec4<f32> {
  let column = (vec4<u32>(index) + vec4<u32>(0u, 1u, 2u, 3u)) % vec4<u32>(columns);
  return entries(offset, column);
}

fn entries(offset: u32, at: vec4<u32>) -> vec4<f32> {
  let i = vec4<u32>(offset / 4u) + at;
  return floats(vec4<u32>(words1[i.x], words1[i.y], words1[i.z], words1[i.w]));
}
