"""From files to lesions: DICOM, PNG, the phantom."""
