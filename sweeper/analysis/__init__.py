"""What a trained trial does inside: functions over its tokens, attention and features.

One file holds one measure, over tensors alone; `study` runs each of them on a trained trial and
writes a table, a summary and a picture.
"""
