"""Mirror Console: many mirrors of one web application on many Docker engines, seen and rolled out from one desk."""

__version__ = "0.1.0"
