"""From a sweep file to validated objects; knows no torch, no ray and no method."""
