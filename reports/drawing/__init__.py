"""Pictures of plain numbers: nothing here knows of plans, cells or stores."""
