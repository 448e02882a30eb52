"""The embedded default data: an abdominal-CT cohort with liver lesions as DICOM files."""
