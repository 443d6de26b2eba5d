"""A small universe drawn with tensors: shapes, textures, colours, glyphs and their captions."""
