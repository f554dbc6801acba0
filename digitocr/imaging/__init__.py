"""Page to sheet, rows and candidates: geometry, light, binarization, ruling lines, rows, cuts."""
