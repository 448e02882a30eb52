"""From files (DICOM, PNG, the phantom) to lesions in Hounsfield units."""
