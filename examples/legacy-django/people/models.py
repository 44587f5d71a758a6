"""The tables, as the database has them. Nothing is migrated: `users-service` makes them."""

from datetime import UTC, datetime

from django.db import models


class TimeText(models.Field):
    """`YYYY-MM-DD HH:MM:SS.fff`, UTC: text in the database, a time here."""

    def get_internal_type(self):
        return "CharField"

    def from_db_value(self, value, expression, connection):
        return None if value is None else datetime.fromisoformat(value).replace(tzinfo=UTC)

    def get_prep_value(self, value):
        return None if value is None else value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


class User(models.Model):
    user_id = models.BigAutoField(primary_key=True)
    username = models.CharField(max_length=64)
    given_name = models.CharField(max_length=255)
    family_name = models.CharField(max_length=255)
    email = models.CharField(max_length=255, null=True)
    phone = models.CharField(max_length=32, null=True)
    job_title = models.CharField(max_length=255, null=True)
    status = models.CharField(max_length=10)
    home_branch_id = models.CharField(max_length=16, null=True)
    updated_at = TimeText()

    class Meta:
        managed = False
        db_table = "users"


class UserBranch(models.Model):
    pk = models.CompositePrimaryKey("user_id", "branch_id")
    user = models.ForeignKey(User, models.DO_NOTHING, related_name="branches")
    branch_id = models.CharField(max_length=16)

    class Meta:
        managed = False
        db_table = "user_branches"


class UserRole(models.Model):
    rowid = models.BigIntegerField(primary_key=True)
    user = models.ForeignKey(User, models.DO_NOTHING, related_name="roles")
    role = models.CharField(max_length=32)
    branch_id = models.CharField(max_length=16, null=True)

    class Meta:
        managed = False
        db_table = "user_roles"


class RolePermission(models.Model):
    pk = models.CompositePrimaryKey("role", "permission")
    role = models.CharField(max_length=32)
    permission = models.CharField(max_length=64)
    effect = models.CharField(max_length=8)

    class Meta:
        managed = False
        db_table = "role_permissions"
